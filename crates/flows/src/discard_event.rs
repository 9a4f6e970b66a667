use audit::{Action, Actor, AuditRepo, Origin, PlatformAuditRepo, Reason, Record, target};
use inbound::{EventReader, TenantlessEventRepo, WebhookEvent};
use kernel::ids::EventId;
use kernel::{By, Clock, EventsReplay, Operator, StoreError};

use crate::replay_events::EventDeskTx;

#[derive(Debug, thiserror::Error)]
pub enum DiscardEventError {
    #[error("there is no such event")]
    NotFound,
    #[error("the event is no dead letter")]
    NotDeadLetter,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Gives a dead letter up: nobody needs to look at it again. It can still be replayed while what Meta sent is kept.
/// Answers the event as it is now.
///
/// # Errors
/// [`DiscardEventError`].
pub async fn discard_event(
    by: By<EventsReplay>,
    tx: &mut dyn EventDeskTx,
    id: EventId,
    reason: &Reason,
    origin: Origin,
    clock: &dyn Clock,
) -> Result<WebhookEvent, DiscardEventError> {
    let record = discarded((&by).into(), id, reason, origin, clock);
    let event = discard(tx, id, clock).await?;
    AuditRepo::append_audit_record(tx, &record).await?;
    Ok(event)
}

/// What an operator needs who looks after events that belong to no tenant.
pub trait TenantlessEventDeskTx: TenantlessEventRepo + PlatformAuditRepo {}

impl<T: TenantlessEventRepo + PlatformAuditRepo + ?Sized> TenantlessEventDeskTx for T {}

/// Gives up a dead letter that belongs to no tenant.
///
/// # Errors
/// [`DiscardEventError`].
pub async fn discard_tenantless_event(
    operator: Operator,
    tx: &mut dyn TenantlessEventDeskTx,
    id: EventId,
    reason: &Reason,
    origin: Origin,
    clock: &dyn Clock,
) -> Result<WebhookEvent, DiscardEventError> {
    let record = discarded(operator.into(), id, reason, origin, clock);
    let event = discard(tx, id, clock).await?;
    PlatformAuditRepo::append_platform_audit_record(tx, &record).await?;
    Ok(event)
}

async fn discard(
    repo: &mut dyn EventReader,
    id: EventId,
    clock: &dyn Clock,
) -> Result<WebhookEvent, DiscardEventError> {
    let discarded = repo.discard_event(id, clock.now()).await?;
    let event = repo.event(id).await?.ok_or(DiscardEventError::NotFound)?;
    if discarded { Ok(event) } else { Err(DiscardEventError::NotDeadLetter) }
}

fn discarded(actor: Actor, id: EventId, reason: &Reason, origin: Origin, clock: &dyn Clock) -> Record {
    Record::new(actor, origin, Action::EventDiscarded, clock)
        .about(target::WEBHOOK_EVENT, &id)
        .with("reason", reason.as_str())
}
