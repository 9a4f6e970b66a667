use chrono::TimeDelta;
use iam::TenantRepo;
use inbound::{ErrorClass, EventOutcomeRepo, QueuedEvent};
use kernel::{Clock, StoreError};

use crate::TenantTx;

/// Why an event was not processed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventFailure {
    pub class: ErrorClass,
    /// For people; it holds nothing of what the event tells.
    pub reason: String,
}

/// What becomes of an event that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterFailure {
    /// Somebody else has finished it meanwhile.
    AlreadyDone,
    Retried,
    /// It is a dead letter.
    Buried,
}

/// Writes a failure down: the event is tried again after the delay, or is a dead letter if there is none or no attempt would
/// help. An event of a tenant that is no more fails for that reason, whatever was said. Answers the failure as it was
/// written.
///
/// # Errors
/// [`StoreError`]: nothing was written.
pub async fn note_failure(
    tx: &mut dyn TenantTx,
    event: &QueuedEvent,
    failure: EventFailure,
    delay: Option<TimeDelta>,
    clock: &dyn Clock,
) -> Result<(AfterFailure, EventFailure), StoreError> {
    let failure = match TenantRepo::tenant(tx).await? {
        Some(_) => failure,
        None => EventFailure { class: ErrorClass::Permanent, reason: "its tenant was deleted".to_owned() },
    };
    let EventFailure { class, reason } = &failure;
    let (id, now) = (event.id, clock.now());
    let delay = delay.filter(|_| class.may_pass());
    let (after, was_waiting) = match delay {
        Some(delay) => {
            (AfterFailure::Retried, EventOutcomeRepo::retry_event(tx, id, now + delay, *class, reason, now).await?)
        }
        None => (AfterFailure::Buried, EventOutcomeRepo::bury_event(tx, id, *class, reason, now).await?),
    };
    Ok((if was_waiting { after } else { AfterFailure::AlreadyDone }, failure))
}
