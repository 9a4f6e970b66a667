use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use audit::{UnsealedDirectory, oldest_unsealed};
use billing::UsageHousekeeping;
use channels::{AccountCredentialsDirectory, TOKEN_WARNING, TokenCounts};
use chrono::{DateTime, TimeDelta, Utc};
use crm::ErasureHousekeeping;
use flows::{Database, IdempotencyHousekeeping, RESPONSE_RETENTION, purge_audit_logs, settle};
use iam::RateLimitRepo;
use inbound::{EventHousekeeping, EventStatus, PurgePosition, Purged, QueueInspector, RetentionPolicy, StatusCount};
use jobs::{JobCounts, JobLedger};
use kernel::seal::KeyRing;
use kernel::{Clock, Retention, StoreError, error_chain};
use metrics::gauge;
use outbound::{SendBacklog, SendHousekeeping, SendLedger, SendState};
use tokens::{ApiKeyHousekeeping, SessionHousekeeping};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::audit_sealer::tenant_id;
use crate::interval::every;
use crate::metrics::{
    AUDIT_OLDEST_UNSEALED, DEAD_JOBS, DEAD_LETTERS, JOBS_OLDEST_WAITING, JOBS_WAITING, OLDEST_WAITING, QUEUE_CONSUMERS,
    QUEUE_MESSAGES, SENDING_PAUSED, SENDS_OLDEST_WAITING, SENDS_WAITING, TOKENS_ENDING, TOKENS_REFUSED, WAITING,
};

/// Counts events, measures queues and the delay of sealing, and deletes expired rows. Several may run at once.
#[derive(Clone)]
pub struct Scheduler {
    pub database: Arc<dyn Database>,
    pub queues: Arc<dyn QueueInspector>,
    pub clock: Arc<dyn Clock>,
    pub events: RetentionPolicy,
    pub retention: Retention,
    /// For the summaries of purged audit records.
    pub ring: Arc<KeyRing>,
}

const MEASURE_INTERVAL: Duration = Duration::from_secs(10);
const PURGE_INTERVAL: Duration = Duration::from_mins(1);
/// Looks at each tenant's log, and a log has records to purge once a day at most.
const AUDIT_PURGE_INTERVAL: Duration = Duration::from_hours(1);
/// Rows deleted per statement: few, so that its locks are short.
const MAX_PURGED: u16 = 1_000;
/// How long ended sessions are kept. A token of an ended session and one of a deleted session are refused alike.
const ENDED_SESSIONS: TimeDelta = TimeDelta::days(7);
/// How long ended API keys are kept, so that people see what has ended.
const ENDED_API_KEYS: TimeDelta = TimeDelta::days(90);
/// How long sends are kept that are no messages, to look into complaints.
const PASSING_SENDS: TimeDelta = TimeDelta::days(7);
/// How long pauses of sending are kept after their end: the next one of the same kind replaces them.
const ENDED_PAUSES: TimeDelta = TimeDelta::days(1);

/// Rows that expire, besides events.
#[derive(Clone, Copy, Debug)]
enum ExpiringRows {
    /// Counted attempts of rate limits.
    AttemptCounters,
    /// Stored responses of idempotent requests.
    StoredResponses,
    /// Ended sessions and their refresh tokens.
    EndedSessions,
    /// Expired and revoked API keys.
    EndedApiKeys,
    /// Hashes of erased identities that were made without a key: they are replaced.
    UnkeyedHashes,
    /// Hashes of erased identities.
    ErasedIdentities,
    /// Which contact was counted on which day.
    UsageDetails,
    /// Reactions, read receipts and typing indicators that were sent.
    PassingSends,
    /// Pauses of sending that are over.
    EndedPauses,
}

impl ExpiringRows {
    const ALL: [Self; 9] = [
        Self::AttemptCounters,
        Self::StoredResponses,
        Self::EndedSessions,
        Self::EndedApiKeys,
        Self::UnkeyedHashes,
        Self::ErasedIdentities,
        Self::UsageDetails,
        Self::PassingSends,
        Self::EndedPauses,
    ];
}

impl Scheduler {
    /// Runs until `stop` is cancelled.
    pub async fn run(self, stop: CancellationToken) {
        let [mut measure, mut purge, mut purge_audit] =
            [MEASURE_INTERVAL, PURGE_INTERVAL, AUDIT_PURGE_INTERVAL].map(every);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = measure.tick() => self.measure().await,
                _ = purge.tick() => self.purge(&stop).await,
                _ = purge_audit.tick() => self.purge_audit_logs(&stop).await,
            }
        }
    }

    async fn measure(&self) {
        match self.count_by_status().await {
            Ok(counts) => self.set_event_gauges(&counts),
            Err(error) => warn!(error = error_chain(&error), "counting unfinished events failed"),
        }
        match self.oldest_unsealed().await {
            Ok(oldest) => gauge!(AUDIT_OLDEST_UNSEALED).set(self.age(oldest).as_secs_f64()),
            Err(error) => warn!(error = error_chain(&error), "measuring unsealed audit records failed"),
        }
        match self.count_tokens().await {
            #[expect(clippy::cast_precision_loss, reason = "a metric is a float, and whole up to 2^53")]
            Ok(counts) => {
                gauge!(TOKENS_ENDING).set(counts.ending as f64);
                gauge!(TOKENS_REFUSED).set(counts.refused as f64);
            }
            Err(error) => warn!(error = error_chain(&error), "counting access tokens failed"),
        }
        match self.count_jobs().await {
            Ok(counts) => self.set_job_gauges(&counts),
            Err(error) => warn!(error = error_chain(&error), "counting jobs failed"),
        }
        match self.send_backlog().await {
            Ok(backlog) => self.set_send_gauges(&backlog),
            Err(error) => warn!(error = error_chain(&error), "counting sends failed"),
        }
        match self.queues.queues().await {
            Ok(depths) => {
                for depth in depths {
                    gauge!(QUEUE_MESSAGES, "queue" => depth.queue).set(depth.messages);
                    gauge!(QUEUE_CONSUMERS, "queue" => depth.queue).set(depth.consumers);
                }
            }
            Err(error) => warn!(error = error_chain(&error), "inspecting queues failed"),
        }
    }

    async fn send_backlog(&self) -> Result<SendBacklog, StoreError> {
        let mut tx = self.database.directory().await?;
        let outcome = SendLedger::send_backlog(&mut *tx, self.clock.now()).await;
        settle(tx, outcome).await
    }

    #[expect(clippy::cast_precision_loss, reason = "a metric is a float, and whole up to 2^53")]
    fn set_send_gauges(&self, backlog: &SendBacklog) {
        let SendBacklog { queued, sending, unknown, oldest_due, oldest_unknown, paused_accounts } = *backlog;
        for (state, sends) in
            [(SendState::Queued, queued), (SendState::Sending, sending), (SendState::Unknown, unknown)]
        {
            gauge!(SENDS_WAITING, "state" => state.into_str()).set(sends as f64);
        }
        for (state, oldest) in [(SendState::Queued, oldest_due), (SendState::Unknown, oldest_unknown)] {
            gauge!(SENDS_OLDEST_WAITING, "state" => state.into_str()).set(self.age(oldest).as_secs_f64());
        }
        gauge!(SENDING_PAUSED).set(paused_accounts as f64);
    }

    async fn oldest_unsealed(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let mut tx = self.database.directory().await?;
        let unsealed: &mut dyn UnsealedDirectory = &mut *tx;
        let outcome = oldest_unsealed(unsealed).await;
        settle(tx, outcome).await
    }

    async fn count_tokens(&self) -> Result<TokenCounts, StoreError> {
        let ending_before = self.clock.now() + TOKEN_WARNING;
        let mut tx = self.database.directory().await?;
        let outcome = AccountCredentialsDirectory::count_tokens(&mut *tx, ending_before).await;
        settle(tx, outcome).await
    }

    async fn count_jobs(&self) -> Result<Vec<JobCounts>, StoreError> {
        let now = self.clock.now();
        let mut tx = self.database.directory().await?;
        let outcome = JobLedger::count_jobs(&mut *tx, now).await;
        settle(tx, outcome).await
    }

    #[expect(clippy::cast_precision_loss, reason = "a metric is a float, and whole up to 2^53")]
    fn set_job_gauges(&self, counts: &[JobCounts]) {
        for JobCounts { kind, due, oldest_due, dead } in counts {
            let kind = kind.into_str();
            gauge!(JOBS_WAITING, "kind" => kind).set(*due as f64);
            gauge!(JOBS_OLDEST_WAITING, "kind" => kind).set(self.age(*oldest_due).as_secs_f64());
            gauge!(DEAD_JOBS, "kind" => kind).set(*dead as f64);
        }
    }

    /// Zero if there is none.
    fn age(&self, oldest: Option<DateTime<Utc>>) -> Duration {
        oldest.and_then(|oldest| (self.clock.now() - oldest).to_std().ok()).unwrap_or(Duration::ZERO)
    }

    async fn count_by_status(&self) -> Result<Vec<StatusCount>, StoreError> {
        let mut tx = self.database.intake().await?;
        let outcome = EventHousekeeping::count_by_status(&mut *tx).await;
        settle(tx, outcome).await
    }

    #[expect(clippy::cast_precision_loss, reason = "a metric is a float, and whole up to 2^53")]
    fn set_event_gauges(&self, counts: &[StatusCount]) {
        for StatusCount { status, events, oldest } in counts {
            if *status == EventStatus::DeadLetter {
                gauge!(DEAD_LETTERS).set(*events as f64);
                continue;
            }
            gauge!(WAITING, "status" => status.into_str()).set(*events as f64);
            gauge!(OLDEST_WAITING, "status" => status.into_str()).set(self.age(*oldest).as_secs_f64());
        }
    }

    /// Deletes in steps until nothing expired is left.
    async fn purge(&self, stop: &CancellationToken) {
        let mut total = Purged::default();
        let mut from = Some(PurgePosition::START);
        while let Some(position) = from.filter(|_| !stop.is_cancelled()) {
            match self.purge_events_once(position).await {
                Ok(purged) => {
                    total.payloads += purged.payloads;
                    total.events += purged.events;
                    from = purged.next;
                }
                Err(error) => {
                    warn!(error = error_chain(&error), "purging expired events failed");
                    break;
                }
            }
        }
        if total != Purged::default() {
            info!(payloads = total.payloads, events = total.events, "expired events purged");
        }
        for rows in ExpiringRows::ALL {
            self.purge_rows(rows, stop).await;
        }
    }

    async fn purge_audit_logs(&self, stop: &CancellationToken) {
        let Some(keep) = self.retention.audit_records else { return };
        while !stop.is_cancelled() {
            let run = purge_audit_logs(&*self.database, &self.ring, &*self.clock, keep).await;
            if run.records > 0 {
                info!(records = run.records, "old audit records purged");
            }
            for (log, failure) in &run.failures {
                let tenant_id = log.map_or_else(String::new, tenant_id);
                warn!(tenant_id, error = error_chain(failure), "purging audit records failed");
            }
            if !run.is_incomplete {
                return;
            }
        }
    }

    async fn purge_rows(&self, rows: ExpiringRows, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            match self.purge_rows_once(rows).await {
                Ok(purged) if purged < usize::from(MAX_PURGED) => return,
                Ok(_) => {}
                Err(error) => {
                    warn!(error = error_chain(&error), ?rows, "purging expired rows failed");
                    return;
                }
            }
        }
    }

    async fn purge_rows_once(&self, rows: ExpiringRows) -> Result<usize, StoreError> {
        let (now, limit) = (self.clock.now(), MAX_PURGED.into());
        let mut tx = self.database.operator().await?;
        let outcome = match rows {
            ExpiringRows::AttemptCounters => RateLimitRepo::purge_attempt_counters(&mut *tx, now, limit).await,
            ExpiringRows::StoredResponses => {
                IdempotencyHousekeeping::purge_stored_responses(&mut *tx, now - RESPONSE_RETENTION, limit).await
            }
            ExpiringRows::EndedSessions => {
                SessionHousekeeping::purge_sessions(&mut *tx, now - ENDED_SESSIONS, limit).await
            }
            ExpiringRows::EndedApiKeys => {
                ApiKeyHousekeeping::purge_api_keys(&mut *tx, now - ENDED_API_KEYS, limit).await
            }
            ExpiringRows::UnkeyedHashes => ErasureHousekeeping::key_hashes(&mut *tx, limit).await,
            ExpiringRows::UsageDetails => {
                let before = (now - self.retention.usage_details).date_naive();
                UsageHousekeeping::purge_usage_details(&mut *tx, before, limit).await
            }
            ExpiringRows::PassingSends => SendHousekeeping::purge_sends(&mut *tx, now - PASSING_SENDS, limit).await,
            ExpiringRows::EndedPauses => SendHousekeeping::purge_pauses(&mut *tx, now - ENDED_PAUSES, limit).await,
            ExpiringRows::ErasedIdentities => {
                ErasureHousekeeping::purge_hashes(&mut *tx, now - self.retention.erased_identities, limit).await
            }
        };
        settle(tx, outcome).await
    }

    async fn purge_events_once(&self, from: PurgePosition) -> Result<Purged, StoreError> {
        let mut tx = self.database.intake().await?;
        let outcome = EventHousekeeping::purge(&mut *tx, self.events, self.clock.now(), from, MAX_PURGED.into()).await;
        settle(tx, outcome).await
    }
}

impl fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scheduler").field("retention", &self.retention).finish_non_exhaustive()
    }
}
