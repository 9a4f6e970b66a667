use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use flows::{Database, adopt_waiting, settle};
use inbound::{DueEvent, EventLedger, EventPublisher, Published, QueueError};
use kernel::ids::EventId;
use kernel::{Clock, StoreError, Tracing, error_chain};
use metrics::counter;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::backoff::Backoff;
use crate::failpoint;
use crate::metrics::PUBLISHED;
use crate::spans::Publishing;
use crate::ticks::every;

/// Moves what is due from the ledger to the queue: at once when it is nudged, and soon in any case, because nudges stay in
/// the process that gives them.
#[derive(Clone)]
pub struct Relay {
    pub database: Arc<dyn Database>,
    pub publisher: Arc<dyn EventPublisher>,
    pub clock: Arc<dyn Clock>,
    /// Given after each commit that made events due.
    pub nudge: Arc<Notify>,
    pub tracing: Tracing,
}

/// As many as go out in one pipelined batch.
const BATCH: u16 = 500;
/// Much longer than a batch takes. Who dies with a claim delays its events by no more than this; who is slower than this
/// has them published twice, which is harmless.
const LEASE: TimeDelta = TimeDelta::seconds(5);
/// Between sweeps that find nothing, where nobody nudges.
const SWEEP_INTERVAL: Duration = Duration::from_millis(200);
/// What comes so soon after a sweep goes out with the next one. Each costs two commits and a confirmed batch, however few
/// events are in it, and leaves them in the order of their tenants: under load there are fewer of both for each event.
/// Whoever comes alone is published at once.
const GATHER: Duration = Duration::from_millis(50);
const ADOPT_INTERVAL: Duration = Duration::from_secs(1);
const RECALL_INTERVAL: Duration = Duration::from_secs(5);
/// What a worker has had in hand for so long, while nothing waits in the queue, is most likely in nobody's hand.
const LOST_AFTER: TimeDelta = TimeDelta::seconds(20);

#[derive(Debug, thiserror::Error)]
enum RelayError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error("the broker kept none of the events")]
    NothingKept,
}

/// Events that are ours to publish until then.
struct Claim {
    events: Vec<DueEvent>,
    until: DateTime<Utc>,
}

impl Relay {
    /// Runs until it is told to stop.
    pub async fn run(self, stop: CancellationToken) {
        let mut backoff = Backoff::new();
        let [mut adopt, mut recall] = [ADOPT_INTERVAL, RECALL_INTERVAL].map(every);
        while !stop.is_cancelled() {
            let begun = Instant::now();
            match self.sweep().await {
                Ok(due) => {
                    backoff.reset();
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = self.rest(due, begun) => {}
                        _ = adopt.tick() => self.adopt().await,
                        _ = recall.tick() => self.recall().await,
                    }
                }
                Err(error) => {
                    // Who is silent may be about to answer, and has made us wait already.
                    if matches!(error, RelayError::Queue(QueueError::Silent(_))) {
                        backoff.reset();
                    }
                    warn!(error = error_chain(&error), "the relay waits for what it depends on");
                    backoff.pause(&stop).await;
                }
            }
        }
        // What was committed before the end is not left to the next sweep of somebody else.
        if let Err(error) = self.sweep().await {
            debug!(error = error_chain(&error), "the last sweep did not get through; the ledger keeps its events");
        }
    }

    /// Waits until it is time for the next sweep, after one that was begun then and found so much.
    async fn rest(&self, due: usize, begun: Instant) {
        if due == 0 {
            let _ = timeout(SWEEP_INTERVAL, self.nudge.notified()).await;
        } else if due < usize::from(BATCH) {
            sleep_until(begun + GATHER).await;
        }
    }

    /// Drives events again whose number has been connected since, or whose tenant is active again.
    async fn adopt(&self) {
        match adopt_waiting(&*self.database, BATCH.into(), &*self.clock).await {
            Ok(0) => {}
            Ok(adopted) => info!(events = adopted, "events that waited for their number or tenant are driven again"),
            Err(error) => {
                warn!(error = error_chain(&error), "events that wait for their number or tenant were not looked at");
            }
        }
    }

    /// Publishes again what is in the ledger, was published and is in no queue: somebody deleted or emptied it, or it was
    /// lost with the broker's data.
    async fn recall(&self) {
        match self.try_recall().await {
            Ok(0) => {}
            Ok(events) => warn!(events, "the queue has lost events; they are published again"),
            Err(error) => warn!(error = error_chain(&error), "nobody looked whether the queue has lost events"),
        }
    }

    async fn try_recall(&self) -> Result<usize, RelayError> {
        if self.publisher.waiting().await? > 0 {
            return Ok(0);
        }
        let now = self.clock.now();
        let mut tx = self.database.intake().await?;
        let outcome = EventLedger::recall_lost(&mut *tx, now - LOST_AFTER, now).await;
        Ok(settle(tx, outcome).await?)
    }

    /// Publishes one batch of what is due; how many events were due. No transaction is open while the broker is spoken to:
    /// the claim has a lease instead.
    async fn sweep(&self) -> Result<usize, RelayError> {
        let claim = self.claim().await?;
        if claim.events.is_empty() {
            return Ok(0);
        }
        let published = match self.publish(&claim.events).await {
            Ok(published) => published,
            Err(error) => {
                self.give_back(&claim, &HashSet::new()).await?;
                return Err(error.into());
            }
        };
        failpoint::die_at("relay.published");
        self.give_back(&claim, &published.iter().copied().collect()).await?;
        if published.is_empty() { Err(RelayError::NothingKept) } else { Ok(claim.events.len()) }
    }

    async fn claim(&self) -> Result<Claim, StoreError> {
        let now = self.clock.now();
        let until = now + LEASE;
        let mut tx = self.database.intake().await?;
        let outcome = EventLedger::claim_due(&mut *tx, now, until, BATCH.into()).await;
        Ok(Claim { events: settle(tx, outcome).await?, until })
    }

    /// Publishes, and answers what the ledger may count as published.
    async fn publish(&self, due: &[DueEvent]) -> Result<Vec<EventId>, QueueError> {
        // What was published long ago and is not finished is most likely waiting in a long queue: publishing it again
        // would make that longer still.
        let (again, new): (Vec<DueEvent>, Vec<DueEvent>) = due.iter().cloned().partition(|event| event.published > 0);
        let backlog = !again.is_empty() && self.publisher.waiting().await? >= BATCH.into();
        let (mut published, mut events) =
            if backlog { (again.iter().map(|event| event.id).collect(), new) } else { (Vec::new(), due.to_vec()) };
        if !events.is_empty() {
            let publishing = Publishing::begin(&self.tracing, &mut events, &*self.clock);
            let answer = self.publisher.publish(&events).await;
            publishing.end(answer.as_ref().ok(), &*self.clock);
            count(&answer, events.len());
            let kept = answer?.kept;
            log_published(&events, &kept);
            published.extend(kept);
        }
        Ok(published)
    }

    /// Ends the claim: what was published is due again in a good while, the rest after the lease. The broker refuses
    /// seldom and for a reason, so the rest is not due at once; when it is away altogether, the events are.
    async fn give_back(&self, claim: &Claim, published: &HashSet<EventId>) -> Result<(), StoreError> {
        let now = self.clock.now();
        let (published, rest): (Vec<EventId>, Vec<EventId>) =
            claim.events.iter().map(|event| event.id).partition(|id| published.contains(id));
        let mut tx = self.database.intake().await?;
        let outcome = async {
            if !published.is_empty() {
                EventLedger::mark_published(&mut *tx, &published, claim.until, now).await?;
            }
            if published.is_empty() && !rest.is_empty() {
                EventLedger::release(&mut *tx, &rest, claim.until, now).await?;
            }
            Ok::<_, StoreError>(())
        }
        .await;
        settle(tx, outcome).await
    }
}

/// A line for each event that the broker keeps, where anybody wants to see it.
fn log_published(events: &[DueEvent], kept: &[EventId]) {
    if !tracing::enabled!(tracing::Level::DEBUG) {
        return;
    }
    let kept: HashSet<&EventId> = kept.iter().collect();
    for event in events.iter().filter(|event| kept.contains(&event.id)) {
        let tenant_id = event.tenant.map(|tenant| tenant.to_string());
        let (trace_id, attempt) = (event.trace().map(|trace| trace.trace_id()), event.attempts + 1);
        debug!(event_id = %event.id, tenant_id, trace_id, attempt, "published");
    }
}

fn count(answer: &Result<Published, QueueError>, events: usize) {
    let outcomes = match answer {
        Ok(said) => vec![("confirmed", said.kept.len()), ("returned", said.returned), ("nacked", said.nacked)],
        Err(_) => vec![("error", events)],
    };
    for (outcome, events) in outcomes {
        counter!(PUBLISHED, "outcome" => outcome).increment(events as u64);
        if outcome != "confirmed" && events > 0 {
            warn!(outcome, events, "the broker did not keep events; they are published again");
        }
    }
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relay").finish_non_exhaustive()
    }
}
