mod outcome;

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use flows::{AfterFailure, Database, EventFailure, Processed, note_failure, process_events, settle};
use futures_util::future::ready;
use futures_util::{FutureExt, StreamExt, stream};
use inbound::{Delivery, ErrorClass, EventLedger, EventSource, QueuedEvent, RetryPolicy};
use kernel::ids::{EventId, TenantId};
use kernel::{Clock, Entropy, StoreError, TenantScope, Tracing, error_chain};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span, debug, error, error_span, warn};

use crate::backoff::Backoff;
use crate::failpoint;
use outcome::{Begun, Outcome, Outcomes};

/// Takes ids from the queue and processes their events: all that came together, each tenant's in one transaction, some
/// tenants at a time. A delivery is settled only after the commit, so a worker that dies loses nothing: its events come again,
/// and what was committed is not done twice.
#[derive(Clone)]
pub struct Worker {
    pub database: Arc<dyn Database>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub retry: RetryPolicy,
    pub tracing: Tracing,
}

/// However many tenants share it, there should be some events of each: a transaction costs about as much for ten as for one.
const BATCH: usize = 500;
/// Tenants of a batch: while the server commits what is one's, we work for another.
const AT_ONCE: usize = 4;
/// Deadlocks and the like: tried again here before the ledger is bothered.
const CONTENTION_TRIES: u32 = 3;
const CONTENTION_PAUSE: Duration = Duration::from_millis(20);
/// A database that needs longer than it allows itself for a statement is as good as away.
const DEADLINE: Duration = Duration::from_secs(45);
/// An event that was begun alone this often, and of which nobody heard again, is what kills its workers.
const MAX_STARTS: i32 = 4;

/// Why a group of events was not processed.
enum Failure {
    /// The database is away: nobody's fault, so no attempt is counted.
    Unavailable(StoreError),
    /// It may have been any of the group.
    Guilty(EventFailure),
}

fn guilty(class: ErrorClass, reason: impl Into<String>) -> Failure {
    Failure::Guilty(EventFailure { class, reason: reason.into() })
}

impl Worker {
    /// Runs until it is told to stop.
    pub async fn run(self, mut source: Box<dyn EventSource>, stop: CancellationToken) {
        loop {
            let deliveries = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                deliveries = source.receive(BATCH) => deliveries,
            };
            let outcomes = self.work(&deliveries, &stop).await;
            // What has no outcome was interrupted; it goes back to the queue when the connection closes.
            let (rejected, settled): (Vec<Delivery>, Vec<Delivery>) = deliveries
                .into_iter()
                .filter(|delivery| outcomes.get(delivery.event).is_some())
                .partition(|delivery| outcomes.get(delivery.event) == Some(Outcome::Buried));
            source.acknowledge(&settled).await;
            for delivery in &rejected {
                source.reject(delivery).await;
            }
        }
    }

    /// Processes what was delivered, and says what became of each event. Nothing new is begun once it is told to stop.
    async fn work(&self, deliveries: &[Delivery], stop: &CancellationToken) -> Outcomes<'_> {
        let ids: Vec<EventId> = deliveries.iter().map(|delivery| delivery.event).collect();
        let outcomes = Outcomes::new(deliveries, &self.tracing, &*self.clock);
        let Some(events) = self.load(&ids, stop).await else { return outcomes };

        let waiting: HashSet<EventId> = events.iter().map(|event| event.id).collect();
        outcomes.note_all(ids.into_iter().filter(|id| !waiting.contains(id)), Outcome::AlreadyDone);
        // A crash returns everything that was handed out, so each of it may have been the cause.
        let redelivered: HashSet<EventId> =
            deliveries.iter().filter(|delivery| delivery.redelivered).map(|delivery| delivery.event).collect();
        let (mut suspects, others): (Vec<_>, Vec<_>) =
            events.into_iter().partition(|event| redelivered.contains(&event.id));
        let groups = stream::iter(by_tenant(others)).take_while(|_| ready(!stop.is_cancelled()));
        groups.for_each_concurrent(AT_ONCE, |(tenant, group)| self.process_group(tenant, group, stop, &outcomes)).await;
        // The one that was begun most often comes last: it is the likeliest to end everything.
        suspects.sort_by_key(|event| (event.starts, event.id));
        for suspect in suspects {
            if stop.is_cancelled() {
                break;
            }
            self.process_suspect(suspect, stop, &outcomes).await;
        }
        outcomes
    }

    async fn process_group(
        &self,
        tenant: Option<TenantId>,
        group: Vec<QueuedEvent>,
        stop: &CancellationToken,
        outcomes: &Outcomes<'_>,
    ) {
        let Some(tenant) = tenant else {
            // The table does not allow it. Should it happen, the ledger keeps the events.
            error!(events = group.len(), "events without a tenant were to be processed");
            return outcomes.note_all(group.into_iter().map(|event| event.id), Outcome::AlreadyDone);
        };
        let span = if let [event] = group.as_slice() {
            span_of(tenant, event)
        } else {
            error_span!("process", tenant_id = %tenant, events = group.len())
        };
        self.process(tenant, group, stop, outcomes).instrument(span).await;
    }

    /// Processes an event that may kill us: alone, and after it was written down that it was begun.
    async fn process_suspect(&self, event: QueuedEvent, stop: &CancellationToken, outcomes: &Outcomes<'_>) {
        if let (Some(tenant), true) = (event.tenant, event.starts >= MAX_STARTS) {
            let reason = "each worker that began it died".to_owned();
            let failure = EventFailure { class: ErrorClass::Poison, reason };
            let span = span_of(tenant, &event);
            let begun = Begun::now(&*self.clock);
            return self.note_failure(tenant, &event, failure, begun, stop, outcomes).instrument(span).await;
        }
        let mut backoff = Backoff::new();
        let begun = loop {
            match self.note_start(event.id).await {
                Ok(begun) => break begun,
                Err(error) => {
                    warn!(event_id = %event.id, error = error_chain(&error), "the worker waits for the database");
                }
            }
            backoff.pause(stop).await;
            if stop.is_cancelled() {
                return;
            }
        };
        if begun {
            self.process_group(event.tenant, vec![event], stop, outcomes).await;
        } else {
            outcomes.note_all(std::iter::once(event.id), Outcome::AlreadyDone);
        }
    }

    async fn note_start(&self, event: EventId) -> Result<bool, StoreError> {
        let mut tx = self.database.intake().await?;
        let outcome = EventLedger::note_start(&mut *tx, event).await;
        settle(tx, outcome).await
    }

    /// The events that are not finished; waits for the database as long as it takes, or until it is time to stop.
    async fn load(&self, ids: &[EventId], stop: &CancellationToken) -> Option<Vec<QueuedEvent>> {
        let mut backoff = Backoff::new();
        loop {
            match self.try_load(ids).await {
                Ok(events) => return Some(events),
                Err(error) => warn!(error = error_chain(&error), "the worker waits for the database"),
            }
            backoff.pause(stop).await;
            if stop.is_cancelled() {
                return None;
            }
        }
    }

    async fn try_load(&self, ids: &[EventId]) -> Result<Vec<QueuedEvent>, StoreError> {
        let mut tx = self.database.intake().await?;
        let outcome = EventLedger::waiting_events(&mut *tx, ids).await;
        settle(tx, outcome).await
    }

    /// Processes a tenant's events together; if that fails, in two halves, until the guilty one is alone: only that one is held
    /// back.
    async fn process(
        &self,
        tenant: TenantId,
        mut events: Vec<QueuedEvent>,
        stop: &CancellationToken,
        outcomes: &Outcomes<'_>,
    ) {
        let (mut backoff, begun) = (Backoff::new(), Begun::now(&*self.clock));
        loop {
            match self.attempt(tenant, &events).await {
                Ok(processed) => {
                    return outcomes.note_processed(&processed, &events, begun);
                }
                Err(Failure::Guilty(failure)) => {
                    if let [event] = events.as_slice() {
                        return self.note_failure(tenant, event, failure, begun, stop, outcomes).await;
                    }
                    debug!(reason = failure.reason, "the group failed, its events are processed in two halves");
                    let second = events.split_off(events.len() / 2);
                    for half in [events, second] {
                        let span = if let [event] = half.as_slice() { span_of(tenant, event) } else { Span::current() };
                        Box::pin(self.process(tenant, half, stop, outcomes)).instrument(span).await;
                    }
                    return;
                }
                Err(Failure::Unavailable(error)) => {
                    warn!(error = error_chain(&error), "the worker waits for the database");
                    backoff.pause(stop).await;
                    if stop.is_cancelled() {
                        return;
                    }
                }
            }
        }
    }

    /// One transaction, repeated a few times while others are in its way. A panic counts as a failure of the events that
    /// caused it: the transaction is rolled back when it is dropped.
    async fn attempt(&self, tenant: TenantId, events: &[QueuedEvent]) -> Result<Processed, Failure> {
        let mut tries = 1;
        loop {
            let attempt = timeout(DEADLINE, AssertUnwindSafe(self.transaction(tenant, events)).catch_unwind()).await;
            let error = match attempt.unwrap_or_else(|_| Ok(Err(StoreError::Unavailable("it does not answer".into()))))
            {
                Ok(Ok(processed)) => return Ok(processed),
                Ok(Err(error)) => error,
                Err(_) => return Err(guilty(ErrorClass::Transient, "processing panicked")),
            };
            match error {
                StoreError::Unavailable(_) => return Err(Failure::Unavailable(error)),
                StoreError::Retryable(_) if tries < CONTENTION_TRIES => {
                    tokio::time::sleep(CONTENTION_PAUSE * tries + Duration::from_millis(self.jitter().into())).await;
                    tries += 1;
                }
                StoreError::Retryable(_) => return Err(guilty(ErrorClass::Contention, error_chain(&error))),
                StoreError::Conflict { .. } => return Err(guilty(ErrorClass::Dependency, error_chain(&error))),
                _ => return Err(guilty(ErrorClass::Transient, error_chain(&error))),
            }
        }
    }

    async fn transaction(&self, tenant: TenantId, events: &[QueuedEvent]) -> Result<Processed, StoreError> {
        let mut tx = self.database.tenant(&scope(tenant)).await?;
        let mut outcome = process_events(&mut *tx, events, &*self.clock).await;
        if events.iter().any(|event| failpoint::fails("worker.fail", &event.payload)) {
            outcome = Err(StoreError::Other("a test makes it fail".into()));
        }
        for event in events {
            failpoint::die_of("worker.poison", &event.payload);
        }
        failpoint::die_at("worker.before_commit");
        let processed = settle(tx, outcome).await?;
        failpoint::die_at("worker.committed");
        Ok(processed)
    }

    /// Writes a failure down, for as long as it takes.
    async fn note_failure(
        &self,
        tenant: TenantId,
        event: &QueuedEvent,
        failure: EventFailure,
        begun: Begun,
        stop: &CancellationToken,
        outcomes: &Outcomes<'_>,
    ) {
        let mut backoff = Backoff::new();
        loop {
            match self.try_note_failure(tenant, event, failure.clone()).await {
                Ok((after, failure)) => return outcomes.note_failed(event, after, &failure, begun),
                Err(error) => warn!(error = error_chain(&error), "the worker waits for the database"),
            }
            backoff.pause(stop).await;
            if stop.is_cancelled() {
                return;
            }
        }
    }

    async fn try_note_failure(
        &self,
        tenant: TenantId,
        event: &QueuedEvent,
        failure: EventFailure,
    ) -> Result<(AfterFailure, EventFailure), StoreError> {
        let delay = self.retry.delay_after(event.attempts + 1, self.jitter());
        let mut tx = self.database.tenant(&scope(tenant)).await?;
        let outcome = note_failure(&mut *tx, event, failure, delay, &*self.clock).await;
        settle(tx, outcome).await
    }

    /// A random byte; without randomness everything simply waits equally long.
    fn jitter(&self) -> u8 {
        let mut byte = [0];
        let _ = self.entropy.fill(&mut byte);
        byte[0]
    }
}

/// What each line about one event carries.
fn span_of(tenant: TenantId, event: &QueuedEvent) -> Span {
    // At the highest level, so that its fields are there whichever level is logged.
    let (attempt, trace_id) = (event.attempts + 1, event.trace_id());
    error_span!("process", tenant_id = %tenant, event_id = %event.id, attempt, trace_id)
}

/// The events of each tenant in their order.
fn by_tenant(events: Vec<QueuedEvent>) -> BTreeMap<Option<TenantId>, Vec<QueuedEvent>> {
    let mut groups: BTreeMap<_, Vec<QueuedEvent>> = BTreeMap::new();
    for event in events {
        groups.entry(event.tenant).or_default().push(event);
    }
    groups
}

#[expect(clippy::disallowed_methods, reason = "the tenant was found by the account when the event was stored")]
const fn scope(tenant: TenantId) -> TenantScope {
    TenantScope::mint(tenant)
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("retry", &self.retry).finish_non_exhaustive()
    }
}
