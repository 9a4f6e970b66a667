use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use flows::{Database, settle};
use inbound::{ClaimedEvents, DueEvent, EventLedger, EventPublisher, PublishResult, PublishWindow, QueueError, Turn};
use kernel::ids::{EventId, TenantId};
use kernel::{Clock, StoreError, Tracing, error_chain};
use metrics::counter;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::backoff::Backoff;
use crate::failpoint;
use crate::interval::every;
use crate::metrics::PUBLISHED;
use crate::spans::Publishing;

/// Publishes the ids of due events from the ledger to the queue: at once when it is woken, and by polling, because a wake-up
/// reaches the relay of its own process only.
///
/// Tenants are served in turn, and few events of each are in the queue at a time. So a tenant with one event does not wait for
/// another's million.
#[derive(Clone)]
pub struct Relay {
    pub database: Arc<dyn Database>,
    pub publisher: Arc<dyn EventPublisher>,
    pub clock: Arc<dyn Clock>,
    /// Notified after each commit that made events due.
    pub wake_relay: Arc<Notify>,
    pub tracing: Tracing,
}

/// Events per published batch.
const BATCH: u16 = 500;
/// Tenants per published batch.
const TENANTS: i64 = BATCH as i64;
/// Some batches of a worker for each tenant; together less than what a worker prefetches, with room for the reserve of
/// many tenants. While an event waits in the queue, it is behind all events that were published before.
const WINDOW: PublishWindow = PublishWindow { per_tenant: 1_500, total: 4_000, reserve: 20 };
/// How long a claim lasts: much longer than publishing a batch takes. If the relay dies, its events are published after
/// this time. If it is slower, they are published twice, which is harmless.
const LEASE: TimeDelta = TimeDelta::seconds(5);
/// Polling interval while no event is due.
const SWEEP_INTERVAL: Duration = Duration::from_millis(200);
/// Minimum time between two sweeps that find events, so that events gather into larger batches under load. A sweep costs two
/// commits and a confirmed batch, however few events it has. An event that arrives alone is published at once.
const BATCH_WINDOW: Duration = Duration::from_millis(50);
const REQUEUE_INTERVAL: Duration = Duration::from_secs(1);
const LOST_CHECK_INTERVAL: Duration = Duration::from_secs(5);
/// A published event that is unfinished for this long, while the queue is empty, is taken for lost. A worker that has it for long
/// says so in the ledger.
const LOST_AFTER: TimeDelta = TimeDelta::seconds(20);

#[derive(Debug, thiserror::Error)]
enum RelayError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error("the broker confirmed none of the events")]
    NothingConfirmed,
}

/// Events that this relay publishes; no other relay claims them before `until`.
struct Claim {
    events: Vec<DueEvent>,
    until: DateTime<Utc>,
    /// The next turn continues after this tenant.
    next: Option<TenantId>,
}

/// What a sweep found.
struct Swept {
    due: usize,
    /// Where the next sweep continues; `None` if all tenants were served.
    next: Option<TenantId>,
}

impl Relay {
    /// Runs until `stop` is cancelled.
    pub async fn run(self, stop: CancellationToken) {
        let (mut backoff, mut after) = (Backoff::new(), None);
        let [mut requeue, mut republish_lost] = [REQUEUE_INTERVAL, LOST_CHECK_INTERVAL].map(every);
        while !stop.is_cancelled() {
            let begun = Instant::now();
            match self.sweep(after).await {
                Ok(swept) => {
                    backoff.reset();
                    after = swept.next;
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = self.wait_for_events(&swept, begun) => {}
                        _ = requeue.tick() => self.requeue_held_and_unroutable().await,
                        _ = republish_lost.tick() => self.republish_lost().await,
                    }
                }
                Err(error) => {
                    // The timeout was a long wait already, and the broker may be about to respond.
                    if matches!(error, RelayError::Queue(QueueError::TimedOut(_))) {
                        backoff.reset();
                    }
                    warn!(error = error_chain(&error), "publishing events failed; retrying");
                    backoff.pause(&stop).await;
                }
            }
        }
        // Publishes events that were committed before the stop, so that they need not wait for another process.
        if let Err(error) = self.sweep(None).await {
            debug!(error = error_chain(&error), "last sweep failed; its events stay in the ledger");
        }
    }

    /// Waits until the next sweep is due, after one that started at `begun`.
    async fn wait_for_events(&self, swept: &Swept, begun: Instant) {
        if swept.next.is_some() {
            // Other tenants have not been served yet.
        } else if swept.due == 0 {
            let _ = timeout(SWEEP_INTERVAL, self.wake_relay.notified()).await;
        } else if swept.due < usize::from(BATCH) {
            sleep_until(begun + BATCH_WINDOW).await;
        }
    }

    /// Makes events due: unroutable ones whose number was connected since, and held ones whose tenant is active again.
    async fn requeue_held_and_unroutable(&self) {
        match flows::requeue_held_and_unroutable(&*self.database, BATCH.into(), &*self.clock).await {
            Ok(0) => {}
            Ok(events) => info!(events, "held and unroutable events requeued"),
            Err(error) => {
                warn!(error = error_chain(&error), "requeueing held and unroutable events failed");
            }
        }
    }

    /// Makes events due again that were published and are in no queue: the queue was deleted or purged, or the broker lost its
    /// data.
    async fn republish_lost(&self) {
        match self.try_republish_lost().await {
            Ok(0) => {}
            Ok(events) => warn!(events, "queue has lost events; publishing them again"),
            Err(error) => warn!(error = error_chain(&error), "lost-event check failed"),
        }
    }

    async fn try_republish_lost(&self) -> Result<usize, RelayError> {
        if self.publisher.ready_messages().await? > 0 {
            return Ok(0);
        }
        let now = self.clock.now();
        let mut tx = self.database.intake().await?;
        let outcome = EventLedger::republish_lost(&mut *tx, now - LOST_AFTER, now).await;
        Ok(settle(tx, outcome).await?)
    }

    /// Publishes one batch of due events of the tenants after that one. No transaction is open during the request to the broker:
    /// the claim has a lease instead.
    async fn sweep(&self, after: Option<TenantId>) -> Result<Swept, RelayError> {
        let claim = self.claim(after).await?;
        let swept = Swept { due: claim.events.len(), next: claim.next };
        if claim.events.is_empty() {
            return Ok(swept);
        }
        let published = match self.publish(&claim.events).await {
            Ok(published) => published,
            Err(error) => {
                self.end_claim(&claim, &HashSet::new()).await?;
                return Err(error.into());
            }
        };
        failpoint::die_at("relay.published");
        self.end_claim(&claim, &published.iter().copied().collect()).await?;
        if published.is_empty() { Err(RelayError::NothingConfirmed) } else { Ok(swept) }
    }

    async fn claim(&self, after: Option<TenantId>) -> Result<Claim, StoreError> {
        let now = self.clock.now();
        let until = now + LEASE;
        let turn = Turn { events: BATCH.into(), tenants: TENANTS, window: WINDOW, after };
        let mut tx = self.database.intake().await?;
        let outcome = EventLedger::claim_due(&mut *tx, now, until, turn).await;
        let ClaimedEvents { events, next } = settle(tx, outcome).await?;
        Ok(Claim { events, until, next })
    }

    /// Publishes, and returns the events that the ledger may mark as published.
    async fn publish(&self, due: &[DueEvent]) -> Result<Vec<EventId>, QueueError> {
        // An event that was published before and is unfinished most likely waits in a long queue. Publishing it again would
        // make the queue longer.
        let (again, new): (Vec<DueEvent>, Vec<DueEvent>) = due.iter().cloned().partition(|event| event.published > 0);
        let backlog = !again.is_empty() && self.publisher.ready_messages().await? >= BATCH.into();
        let (mut published, mut events) =
            if backlog { (again.iter().map(|event| event.id).collect(), new) } else { (Vec::new(), due.to_vec()) };
        if !events.is_empty() {
            let publishing = Publishing::begin(&self.tracing, &mut events, &*self.clock);
            let result = self.publisher.publish(&events).await;
            publishing.end(result.as_ref().ok(), &*self.clock);
            count(&result, events.len());
            let confirmed = result?.confirmed;
            log_published(&events, &confirmed);
            published.extend(confirmed);
        }
        Ok(published)
    }

    /// Ends the claim. Published events are due again much later, in case they are lost. If a part was published, the refused
    /// events are due after the lease, since the broker refuses for a reason. If nothing was published, all events are due at
    /// once.
    async fn end_claim(&self, claim: &Claim, published: &HashSet<EventId>) -> Result<(), StoreError> {
        let now = self.clock.now();
        let (published, unpublished): (Vec<EventId>, Vec<EventId>) =
            claim.events.iter().map(|event| event.id).partition(|id| published.contains(id));
        let mut tx = self.database.intake().await?;
        let outcome = async {
            if !published.is_empty() {
                EventLedger::mark_published(&mut *tx, &published, claim.until, now).await?;
            }
            if published.is_empty() && !unpublished.is_empty() {
                EventLedger::release_claim(&mut *tx, &unpublished, claim.until, now).await?;
            }
            Ok::<_, StoreError>(())
        }
        .await;
        settle(tx, outcome).await
    }
}

/// A log line for each event that the broker confirmed.
fn log_published(events: &[DueEvent], confirmed: &[EventId]) {
    if !tracing::enabled!(tracing::Level::DEBUG) {
        return;
    }
    let confirmed: HashSet<&EventId> = confirmed.iter().collect();
    for event in events.iter().filter(|event| confirmed.contains(&event.id)) {
        let tenant_id = event.tenant.map(|tenant| tenant.to_string());
        let (trace_id, attempt) = (event.trace().map(|trace| trace.trace_id()), event.attempts + 1);
        debug!(event_id = %event.id, tenant_id, trace_id, attempt, "published");
    }
}

fn count(result: &Result<PublishResult, QueueError>, events: usize) {
    let outcomes = match result {
        Ok(published) => vec![
            ("confirmed", published.confirmed.len()),
            ("returned", published.returned),
            ("nacked", published.nacked),
        ],
        Err(_) => vec![("error", events)],
    };
    for (outcome, events) in outcomes {
        counter!(PUBLISHED, "outcome" => outcome).increment(events as u64);
        if outcome != "confirmed" && events > 0 {
            warn!(outcome, events, "broker refused events; publishing them again");
        }
    }
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relay").finish_non_exhaustive()
    }
}
