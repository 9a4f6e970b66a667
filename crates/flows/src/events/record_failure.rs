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
    use std::collections::HashSet;

    use async_trait::async_trait;
    use chrono::{DateTime, Utc};
    use iam::{Slug, Tenant, TenantName};
    use inbound::EventStatus;
    use kernel::ids::EventId;
    use kernel::{ManualClock, StoreError};
    use whatsapp::EventKind;

    use super::*;
    use crate::fake::{at, run};

    /// What was recorded of the event: the time of the next attempt, the class and the reason.
    type Recorded = (Option<DateTime<Utc>>, ErrorClass, String);

    /// A transaction on a tenant with one event.
    #[derive(Debug)]
    struct FailureStore {
        tenant: Option<Tenant>,
        /// Another process has finished the event.
        is_finished: bool,
        recorded: Option<Recorded>,
    }

    impl FailureStore {
        fn record(&mut self, next: Option<DateTime<Utc>>, class: ErrorClass, error: &str) -> bool {
            if !self.is_finished {
                self.recorded = Some((next, class, error.to_owned()));
            }
            !self.is_finished
        }
    }

    #[async_trait]
    impl EventOutcomeRepo for FailureStore {
        async fn lock_events_to_process(
            &mut self,
            _: &[EventId],
            _: DateTime<Utc>,
        ) -> Result<HashSet<EventId>, StoreError> {
            unreachable!("a failure is recorded without reading the event")
        }

        async fn finish_events(&mut self, _: &[EventId], _: DateTime<Utc>) -> Result<(), StoreError> {
            unreachable!("a failed event is not processed")
        }

        async fn retry_event(
            &mut self,
            _: EventId,
            next_attempt_at: DateTime<Utc>,
            class: ErrorClass,
            error: &str,
            _: DateTime<Utc>,
        ) -> Result<bool, StoreError> {
            Ok(self.record(Some(next_attempt_at), class, error))
        }

        async fn dead_letter_event(
            &mut self,
            _: EventId,
            class: ErrorClass,
            error: &str,
            _: DateTime<Utc>,
        ) -> Result<bool, StoreError> {
            Ok(self.record(None, class, error))
        }
    }

    #[async_trait]
    impl TenantRepo for FailureStore {
        async fn insert_tenant(&mut self, _: &Tenant) -> Result<(), StoreError> {
            unreachable!("a failure creates no tenant")
        }

        async fn tenant(&mut self) -> Result<Option<Tenant>, StoreError> {
            Ok(self.tenant.clone())
        }

        async fn lock_tenant(&mut self) -> Result<Option<Tenant>, StoreError> {
            unreachable!("a failure changes no tenant")
        }

        async fn update_tenant(&mut self, _: &Tenant) -> Result<(), StoreError> {
            unreachable!("a failure changes no tenant")
        }
    }

    fn store() -> FailureStore {
        let (name, slug) = (TenantName::parse("Acme").unwrap(), Slug::parse("acme").unwrap());
        let tenant = Tenant::new(name, slug, &ManualClock::starting_at(at(0)));
        FailureStore { tenant: Some(tenant), is_finished: false, recorded: None }
    }

    /// Records a failure of that class, with a delay of five seconds.
    fn fail(store: &mut FailureStore, class: ErrorClass) -> (FailureOutcome, EventFailure) {
        fail_after(store, class, Some(TimeDelta::seconds(5)))
    }

    fn fail_after(
        store: &mut FailureStore,
        class: ErrorClass,
        delay: Option<TimeDelta>,
    ) -> (FailureOutcome, EventFailure) {
        let clock = ManualClock::starting_at(at(0));
        let event = UnfinishedEvent {
            id: EventId::new(&clock),
            tenant: None,
            account: None,
            kind: EventKind::message(),
            status: EventStatus::Received,
            attempts: 0,
            starts: 0,
            traceparent: None,
            received_at: at(0),
            payload: Vec::new(),
        };
        let failure = EventFailure { class, reason: "deadlock".to_owned() };
        run(record_failure(store, &event, failure, delay, &clock)).unwrap()
    }

    #[test]
    fn failure_that_may_pass_is_retried_after_the_delay() {
        for class in [ErrorClass::Contention, ErrorClass::Dependency, ErrorClass::Transient] {
            let mut store = store();
            let expected = EventFailure { class, reason: "deadlock".to_owned() };
            assert_eq!(fail(&mut store, class), (FailureOutcome::Retried, expected));
            assert_eq!(store.recorded, Some((Some(at(5)), class, "deadlock".to_owned())));
        }
    }

    #[test]
    fn permanent_failure_is_dead_lettered_despite_the_delay() {
        for class in [ErrorClass::Permanent, ErrorClass::Poison] {
            let mut store = store();
            assert_eq!(fail(&mut store, class).0, FailureOutcome::DeadLettered);
            assert_eq!(store.recorded, Some((None, class, "deadlock".to_owned())));
        }
    }

    #[test]
    fn failure_after_the_last_attempt_is_dead_lettered() {
        let mut store = store();
        let (outcome, failure) = fail_after(&mut store, ErrorClass::Transient, None);
        assert_eq!((outcome, failure.class), (FailureOutcome::DeadLettered, ErrorClass::Transient));
        assert_eq!(store.recorded, Some((None, ErrorClass::Transient, "deadlock".to_owned())));
    }

    #[test]
    fn failure_of_a_deleted_tenants_event_is_permanent() {
        let mut store = FailureStore { tenant: None, ..store() };
        let (outcome, failure) = fail(&mut store, ErrorClass::Dependency);
        let reason = "its tenant was deleted".to_owned();
        assert_eq!(outcome, FailureOutcome::DeadLettered);
        assert_eq!(failure, EventFailure { class: ErrorClass::Permanent, reason: reason.clone() });
        assert_eq!(store.recorded, Some((None, ErrorClass::Permanent, reason)));
    }

    #[test]
    fn failure_of_a_finished_event_is_not_recorded() {
        for class in [ErrorClass::Transient, ErrorClass::Permanent] {
            let mut store = FailureStore { is_finished: true, ..store() };
            assert_eq!(fail(&mut store, class).0, FailureOutcome::AlreadyDone);
            assert_eq!(store.recorded, None);
        }
    }
}
