use chrono::TimeDelta;
use iam::TenantRepo;
use inbound::{ErrorClass, EventOutcomeRepo, QueuedEvent};
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
    event: &QueuedEvent,
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
    let (after, was_waiting) = match delay {
        Some(delay) => (FailureOutcome::Retried, tx.retry_event(id, now + delay, *class, reason, now).await?),
        None => (FailureOutcome::DeadLettered, tx.dead_letter_event(id, *class, reason, now).await?),
    };
    Ok((if was_waiting { after } else { FailureOutcome::AlreadyDone }, failure))
}
