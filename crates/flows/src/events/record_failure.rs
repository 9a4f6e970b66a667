use chrono::TimeDelta;
use iam::TenantRepo;
use inbound::{ErrorClass, EventOutcomeRepo, UnfinishedEvent};
use kernel::{Clock, StoreError};

/// What [`record_failure`] needs.
pub trait RecordFailureTx: EventOutcomeRepo + TenantRepo {}

impl<T: EventOutcomeRepo + TenantRepo + ?Sized> RecordFailureTx for T {}

/// Why an event was not processed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventFailure {
    pub class: ErrorClass,
    /// For people. Contains nothing of the event's payload.
    pub reason: String,
}

/// What was done with an event that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureOutcome {
    /// Another process has finished it meanwhile.
    AlreadyDone,
    /// Another attempt is scheduled.
    Retried,
    DeadLettered,
}

/// Records the failure of an event. It is retried after the delay; without a delay, or if the error is permanent, it becomes a
/// dead letter. If the tenant was deleted, that is recorded as the reason. Returns the failure as recorded.
///
/// # Errors
/// [`StoreError`]: nothing was recorded.
pub async fn record_failure(
    tx: &mut dyn RecordFailureTx,
    event: &UnfinishedEvent,
    failure: EventFailure,
    delay: Option<TimeDelta>,
    clock: &dyn Clock,
) -> Result<(FailureOutcome, EventFailure), StoreError> {
    let failure = match tx.tenant().await? {
        Some(_) => failure,
        None => EventFailure { class: ErrorClass::Permanent, reason: "its tenant was deleted".to_owned() },
    };
    let EventFailure { class, reason } = &failure;
    let (id, now) = (event.id, clock.now());
    let delay = delay.filter(|_| class.is_retryable());
    let (after, was_unfinished) = match delay {
        Some(delay) => (FailureOutcome::Retried, tx.retry_event(id, now + delay, *class, reason, now).await?),
        None => (FailureOutcome::DeadLettered, tx.dead_letter_event(id, *class, reason, now).await?),
    };
    Ok((if was_unfinished { after } else { FailureOutcome::AlreadyDone }, failure))
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use inbound::EventStatus;
    use kernel::ids::EventId;
    use whatsapp::EventKind;

    use super::*;
    use crate::fake::{FakeStore, at, run};

    /// What was recorded of the event: the time of the next attempt, the class and the reason.
    type Recorded = (Option<DateTime<Utc>>, ErrorClass, String);

    /// A tenant with one event of that status.
    fn store_with(status: EventStatus) -> (FakeStore, EventId) {
        let mut store = FakeStore::with_owner();
        let id = store.add_event(status, Some("{}"));
        (store, id)
    }

    fn store() -> (FakeStore, EventId) {
        store_with(EventStatus::Received)
    }

    fn recorded(store: &FakeStore) -> Option<Recorded> {
        let event = &store.events.stored[0].event;
        Some((event.next_attempt_at, event.error_class?, event.last_error.clone()?))
    }

    /// Records a failure of that class, with a delay of five seconds.
    fn fail(store: &mut FakeStore, id: EventId, class: ErrorClass) -> (FailureOutcome, EventFailure) {
        fail_after(store, id, class, Some(TimeDelta::seconds(5)))
    }

    fn fail_after(
        store: &mut FakeStore,
        id: EventId,
        class: ErrorClass,
        delay: Option<TimeDelta>,
    ) -> (FailureOutcome, EventFailure) {
        let event = UnfinishedEvent {
            of_disconnected_account: false,
            id,
            tenant: None,
            account: None,
            kind: EventKind::message(),
            status: EventStatus::Received,
            attempts: 0,
            starts: 0,
            traceparent: None,
            received_at: at(0),
            arrival: kernel::Arrival::ZERO,
            size: 0,
        };
        let failure = EventFailure { class, reason: "deadlock".to_owned() };
        let clock = store.clock.clone();
        run(record_failure(store, &event, failure, delay, &*clock)).unwrap()
    }

    #[test]
    fn failure_that_may_pass_is_retried_after_the_delay() {
        for class in [ErrorClass::Contention, ErrorClass::Dependency, ErrorClass::Transient] {
            let (mut store, id) = store();
            let expected = EventFailure { class, reason: "deadlock".to_owned() };
            assert_eq!(fail(&mut store, id, class), (FailureOutcome::Retried, expected));
            assert_eq!(recorded(&store), Some((Some(at(5)), class, "deadlock".to_owned())));
        }
    }

    #[test]
    fn permanent_failure_is_dead_lettered_despite_the_delay() {
        for class in [ErrorClass::Permanent, ErrorClass::Poison] {
            let (mut store, id) = store();
            assert_eq!(fail(&mut store, id, class).0, FailureOutcome::DeadLettered);
            assert_eq!(recorded(&store), Some((None, class, "deadlock".to_owned())));
        }
    }

    #[test]
    fn failure_after_the_last_attempt_is_dead_lettered() {
        let (mut store, id) = store();
        let (outcome, failure) = fail_after(&mut store, id, ErrorClass::Transient, None);
        assert_eq!((outcome, failure.class), (FailureOutcome::DeadLettered, ErrorClass::Transient));
        assert_eq!(recorded(&store), Some((None, ErrorClass::Transient, "deadlock".to_owned())));
    }

    #[test]
    fn failure_of_a_deleted_tenants_event_is_permanent() {
        let (mut store, id) = store();
        store.tenant = None;
        let (outcome, failure) = fail(&mut store, id, ErrorClass::Dependency);
        let reason = "its tenant was deleted".to_owned();
        assert_eq!(outcome, FailureOutcome::DeadLettered);
        assert_eq!(failure, EventFailure { class: ErrorClass::Permanent, reason: reason.clone() });
        assert_eq!(recorded(&store), Some((None, ErrorClass::Permanent, reason)));
    }

    #[test]
    fn failure_of_a_finished_event_is_not_recorded() {
        for class in [ErrorClass::Transient, ErrorClass::Permanent] {
            let (mut store, id) = store_with(EventStatus::Processed);
            assert_eq!(fail(&mut store, id, class).0, FailureOutcome::AlreadyDone);
            assert_eq!(recorded(&store), None);
        }
    }
}
