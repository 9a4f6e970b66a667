use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use flows::{AfterFailure, EventFailure, Processed, note_failure, process_events, settle};
use futures_util::FutureExt;
use inbound::{ErrorClass, EventLedger, QueuedEvent};
use kernel::ids::{EventId, TenantId};
use kernel::{StoreError, TenantScope, error_chain};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span, debug, error, error_span, warn};

use super::desk::Group;
use super::outcome::{Begun, Outcome, Outcomes};
use super::{Worker, insist};
use crate::backoff::Backoff;
use crate::failpoint;

/// Deadlocks and the like: tried again here before the ledger is bothered.
const CONTENTION_TRIES: u32 = 3;
const CONTENTION_PAUSE: Duration = Duration::from_millis(20);
/// A database that needs longer than it allows itself for a statement is as good as away.
const DEADLINE: Duration = Duration::from_secs(45);
/// An event that was begun this often, and of which nobody heard again, is what kills its workers.
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

/// A group that is done: what became of its events.
pub(super) struct Done {
    pub(super) group: Group,
    pub(super) outcomes: Outcomes,
}

impl Worker {
    /// Processes a group, or as much of it as there is time for.
    pub(super) async fn work(self, mut group: Group, stop: CancellationToken) -> Done {
        let mut outcomes = Outcomes::new(&group.deliveries, self.tracing.clone(), Arc::clone(&self.clock));
        let events = std::mem::take(&mut group.events);
        if let Some(tenant) = group.tenant {
            let span = span_of(tenant, &events);
            self.process_group(tenant, events, group.came_back(), &stop, &mut outcomes).instrument(span).await;
        } else {
            // The table does not allow it. Should it happen, the ledger keeps the events.
            error!(events = events.len(), "events without a tenant were to be processed");
            outcomes.note_all(events.into_iter().map(|event| event.id), Outcome::AlreadyDone);
        }
        Done { group, outcomes }
    }

    async fn process_group(
        &self,
        tenant: TenantId,
        mut events: Vec<QueuedEvent>,
        came_back: bool,
        stop: &CancellationToken,
        outcomes: &mut Outcomes,
    ) {
        if came_back {
            // Those that were begun so often came as suspects, each alone.
            if let [event] = events.as_slice()
                && event.starts >= MAX_STARTS
            {
                let reason = "each worker that began it died".to_owned();
                let failure = EventFailure { class: ErrorClass::Poison, reason };
                let begun = Begun::now(&*self.clock);
                return self.note_failure(tenant, event, failure, begun, stop, outcomes).await;
            }
            // Written down before they are begun: if nobody hears of them again, one of them may be why.
            let ids: Vec<EventId> = events.iter().map(|event| event.id).collect();
            let Some(begun) = insist(|| self.note_starts(&ids), stop).await else { return };
            let (still, others): (Vec<_>, Vec<_>) = events.into_iter().partition(|event| begun.contains(&event.id));
            outcomes.note_all(others.into_iter().map(|event| event.id), Outcome::AlreadyDone);
            events = still;
        }
        if !events.is_empty() {
            self.process(tenant, events, stop, outcomes).await;
        }
    }

    /// Which of them are still to be processed.
    async fn note_starts(&self, ids: &[EventId]) -> Result<HashSet<EventId>, StoreError> {
        let mut tx = self.database.intake().await?;
        let outcome = EventLedger::note_starts(&mut *tx, ids).await;
        Ok(settle(tx, outcome).await?.into_iter().collect())
    }

    /// Processes a tenant's events together; if that fails, in two halves, until the guilty one is alone: only that one is held
    /// back.
    async fn process(
        &self,
        tenant: TenantId,
        mut events: Vec<QueuedEvent>,
        stop: &CancellationToken,
        outcomes: &mut Outcomes,
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
                        let span = if half.len() == 1 { span_of(tenant, &half) } else { Span::current() };
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
        outcomes: &mut Outcomes,
    ) {
        let noted = insist(|| self.try_note_failure(tenant, event, failure.clone()), stop).await;
        if let Some((after, failure)) = noted {
            outcomes.note_failed(event, after, &failure, begun);
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
}

/// What each line about a group carries; about one event, what there is to say of it.
fn span_of(tenant: TenantId, events: &[QueuedEvent]) -> Span {
    // At the highest level, so that its fields are there whichever level is logged.
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
