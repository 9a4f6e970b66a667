use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use flows::{
    Database, EventFailure, FailureOutcome, ProcessedEvents, lock_events, process_events, record_failure, settle,
};
use futures_util::FutureExt;
use inbound::{ErrorClass, EventLedger, RetryPolicy, UnfinishedEvent};
use kernel::ids::{EventId, TenantId};
use kernel::{Clock, Entropy, StoreError, TenantScope, Tracing, error_chain};
use outbound::AttemptRefs;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span, debug, error, error_span, warn};

use super::outcome::{Outcome, Outcomes, StartTime};
use super::tenant_batch::TenantBatch;
use crate::backoff::{Backoff, retry_until_stopped};
use crate::failpoint;

/// Deadlocks and serialization failures are retried here this often before the failure is recorded.
const CONTENTION_TRIES: u32 = 3;
const CONTENTION_PAUSE: Duration = Duration::from_millis(20);
/// Longer than the database's own statement timeout.
const DEADLINE: Duration = Duration::from_secs(45);
/// How long the database may take to answer another connection. If it does not, it is unavailable.
const PROBE_DEADLINE: Duration = Duration::from_secs(10);

/// Processes the events of one tenant, and records failures.
pub(super) struct BatchProcessor {
    pub(super) database: Arc<dyn Database>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) retry: RetryPolicy,
    pub(super) attempt_refs: Arc<AttemptRefs>,
    pub(super) tracing: Tracing,
}

/// A finished batch, and what happened to its events.
pub(super) struct BatchResult {
    pub(super) batch: TenantBatch,
    pub(super) outcomes: Outcomes,
}

/// Why a batch was not processed.
enum BatchFailure {
    /// The database is unavailable. No attempt is counted.
    Unavailable(StoreError),
    /// It took too long, or needed more locks or memory than the database has, while the database answers others.
    TooSlow(StoreError),
    /// One of the events caused it.
    Event(EventFailure),
}

fn event_failure(class: ErrorClass, reason: impl Into<String>) -> BatchFailure {
    BatchFailure::Event(EventFailure { class, reason: reason.into() })
}

impl BatchProcessor {
    /// Processes a batch; when `stop` is cancelled, as much of it as is in hand.
    pub(super) async fn run(self, mut batch: TenantBatch, stop: CancellationToken) -> BatchResult {
        let mut outcomes = Outcomes::new(&batch.queue_messages, self.tracing.clone(), Arc::clone(&self.clock));
        let may_have_killed = batch.may_have_killed();
        let events = std::mem::take(&mut batch.events);
        if let Some(tenant) = batch.tenant {
            let span = span_of(tenant, &events);
            self.process_or_dead_letter(tenant, events, may_have_killed, &stop, &mut outcomes).instrument(span).await;
        } else {
            // A constraint of the table rules it out. The ledger keeps the events.
            error!(events = events.len(), "events without a tenant skipped");
            outcomes.set_all(events.into_iter().map(|event| event.id), Outcome::NothingToDo);
        }
        BatchResult { batch, outcomes }
    }

    /// An event whose workers die becomes a dead letter; all others are processed.
    async fn process_or_dead_letter(
        &self,
        tenant: TenantId,
        mut events: Vec<UnfinishedEvent>,
        may_have_killed: bool,
        stop: &CancellationToken,
        outcomes: &mut Outcomes,
    ) {
        if may_have_killed {
            // Such an event was quarantined, so it is alone.
            if let [event] = events.as_slice()
                && event.is_poison()
            {
                let reason = "each worker that started it died".to_owned();
                let failure = EventFailure { class: ErrorClass::Poison, reason };
                let started = StartTime::now(&*self.clock);
                return self.record_failure(tenant, event, failure, started, stop, outcomes).await;
            }
            // Recorded before the events are started: if the worker dies, one of them may be the cause.
            let ids: Vec<EventId> = events.iter().map(|event| event.id).collect();
            let Some(started) = retry_until_stopped(|| self.record_starts(&ids), stop).await else { return };
            let (unfinished, others): (Vec<_>, Vec<_>) =
                events.into_iter().partition(|event| started.contains(&event.id));
            outcomes.set_all(others.into_iter().map(|event| event.id), Outcome::NothingToDo);
            events = unfinished;
        }
        if !events.is_empty() {
            self.process(tenant, events, stop, outcomes).await;
        }
    }

    /// Returns those that are still to be processed.
    async fn record_starts(&self, ids: &[EventId]) -> Result<HashSet<EventId>, StoreError> {
        let mut tx = self.database.intake().await?;
        let outcome = EventLedger::record_starts(&mut *tx, ids).await;
        Ok(settle(tx, outcome).await?.into_iter().collect())
    }

    /// Processes the events in one transaction. If it fails, they are split in half until the failing event is alone: only
    /// that one is delayed.
    async fn process(
        &self,
        tenant: TenantId,
        mut events: Vec<UnfinishedEvent>,
        stop: &CancellationToken,
        outcomes: &mut Outcomes,
    ) {
        let (mut backoff, started) = (Backoff::new(), StartTime::now(&*self.clock));
        loop {
            match self.attempt(tenant, &events).await {
                Ok(processed) => return outcomes.record_processed(&processed, &events, started),
                Err(BatchFailure::Event(failure)) => {
                    if let [event] = events.as_slice() {
                        return self.record_failure(tenant, event, failure, started, stop, outcomes).await;
                    }
                    debug!(reason = failure.reason, "batch failed; retrying in two halves");
                    let second = events.split_off(events.len() / 2);
                    for half in [events, second] {
                        let span = if half.len() == 1 { span_of(tenant, &half) } else { Span::current() };
                        Box::pin(self.process(tenant, half, stop, outcomes)).instrument(span).await;
                    }
                    return;
                }
                Err(BatchFailure::TooSlow(error)) => {
                    let reason = error_chain(&error);
                    if let [event] = events.as_slice() {
                        let failure = EventFailure { class: ErrorClass::Timeout, reason };
                        return self.record_failure(tenant, event, failure, started, stop, outcomes).await;
                    }
                    warn!(events = events.len(), error = reason, "batch took too long; its events are processed alone");
                    return outcomes.record_timed_out(events);
                }
                Err(BatchFailure::Unavailable(error)) => {
                    warn!(error = error_chain(&error), "database unavailable; retrying");
                    backoff.pause(stop).await;
                    if stop.is_cancelled() {
                        return;
                    }
                }
            }
        }
    }

    /// One transaction, retried a few times on contention. A panic counts as a failure of the events: the transaction is
    /// rolled back when it is dropped.
    async fn attempt(&self, tenant: TenantId, events: &[UnfinishedEvent]) -> Result<ProcessedEvents, BatchFailure> {
        let mut tries = 1;
        loop {
            let attempt = timeout(DEADLINE, AssertUnwindSafe(self.transaction(tenant, events)).catch_unwind()).await;
            let error = match attempt.unwrap_or_else(|_| Ok(Err(StoreError::LimitExceeded("no response".into())))) {
                Ok(Ok(processed)) => return Ok(processed),
                Ok(Err(error)) => error,
                Err(_) => return Err(event_failure(ErrorClass::Transient, "processing panicked")),
            };
            match error {
                StoreError::LimitExceeded(_) if self.database_answers().await => {
                    return Err(BatchFailure::TooSlow(error));
                }
                StoreError::Unavailable(_) | StoreError::LimitExceeded(_) => {
                    return Err(BatchFailure::Unavailable(error));
                }
                StoreError::Retryable(_) if tries < CONTENTION_TRIES => {
                    tokio::time::sleep(CONTENTION_PAUSE * tries + Duration::from_millis(self.jitter().into())).await;
                    tries += 1;
                }
                StoreError::Retryable(_) => return Err(event_failure(ErrorClass::Contention, error_chain(&error))),
                StoreError::Conflict { .. } => return Err(event_failure(ErrorClass::Dependency, error_chain(&error))),
                _ => return Err(event_failure(ErrorClass::Transient, error_chain(&error))),
            }
        }
    }

    /// Whether the database answers on another connection.
    async fn database_answers(&self) -> bool {
        let probe = async {
            let tx = self.database.intake().await?;
            settle(tx, Ok::<(), StoreError>(())).await
        };
        matches!(timeout(PROBE_DEADLINE, probe).await, Ok(Ok(())))
    }

    async fn transaction(&self, tenant: TenantId, events: &[UnfinishedEvent]) -> Result<ProcessedEvents, StoreError> {
        let mut tx = self.database.tenant(&scope(tenant)).await?;
        let outcome = async {
            let locked = lock_events(&mut *tx, events, &*self.clock).await?;
            for event in &locked {
                if failpoint::fails("worker.fail", &event.payload) {
                    return Err(StoreError::Other("a test makes it fail".into()));
                }
                failpoint::die_of("worker.poison", &event.payload);
            }
            process_events(&mut *tx, locked, &self.attempt_refs, &*self.clock).await
        }
        .await;
        failpoint::die_at("worker.before_commit");
        let processed = settle(tx, outcome).await?;
        failpoint::die_at("worker.committed");
        Ok(processed)
    }

    /// Records the failure of one event, retrying until the database accepts it.
    async fn record_failure(
        &self,
        tenant: TenantId,
        event: &UnfinishedEvent,
        failure: EventFailure,
        started: StartTime,
        stop: &CancellationToken,
        outcomes: &mut Outcomes,
    ) {
        let recorded = retry_until_stopped(|| self.try_record_failure(tenant, event, failure.clone()), stop).await;
        if let Some((after, failure)) = recorded {
            outcomes.record_failed(event, after, &failure, started);
        }
    }

    async fn try_record_failure(
        &self,
        tenant: TenantId,
        event: &UnfinishedEvent,
        failure: EventFailure,
    ) -> Result<(FailureOutcome, EventFailure), StoreError> {
        let delay = self.retry.delay_after(event.attempts + 1, self.jitter());
        let mut tx = self.database.tenant(&scope(tenant)).await?;
        let outcome = record_failure(&mut *tx, event, failure, delay, &*self.clock).await;
        settle(tx, outcome).await
    }

    /// A random byte; without entropy, 0.
    fn jitter(&self) -> u8 {
        let mut byte = [0];
        let _ = self.entropy.fill(&mut byte);
        byte[0]
    }
}

/// The log fields of a batch, or of its only event.
fn span_of(tenant: TenantId, events: &[UnfinishedEvent]) -> Span {
    // At the highest level, so that the fields are there at any log level.
    if let [event] = events {
        let (attempt, trace_id) = (event.attempts + 1, event.trace_id());
        error_span!("process", tenant_id = %tenant, event_id = %event.id, attempt, trace_id)
    } else {
        error_span!("process", tenant_id = %tenant, events = events.len())
    }
}

#[expect(clippy::disallowed_methods, reason = "the tenant was found by the account when the event was stored")]
const fn scope(tenant: TenantId) -> TenantScope {
    TenantScope::mint(tenant)
}
