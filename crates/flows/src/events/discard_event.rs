use audit::{Action, AuditRepo, PlatformAuditRepo, Principal, Reason, Record, RequestOrigin, target};
use inbound::{EventReader, TenantlessEventRepo, WebhookEvent};
use kernel::ids::EventId;
use kernel::{Authorization, Clock, EventsReplay, Operator, StoreError};

use super::replay_events::ReplayEventsTx;

#[derive(Debug, thiserror::Error)]
pub enum DiscardEventError {
    #[error("the event does not exist")]
    NotFound,
    #[error("the event is not a dead letter")]
    NotDeadLetter,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Discards a dead letter. It can still be replayed while its payload is kept. Returns the event as it is now.
///
/// # Errors
/// [`DiscardEventError`].
pub async fn discard_event(
    by: Authorization<EventsReplay>,
    tx: &mut dyn ReplayEventsTx,
    id: EventId,
    reason: &Reason,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<WebhookEvent, DiscardEventError> {
    let record = discarded((&by).into(), id, reason, origin, clock);
    let event = discard(tx, id, clock).await?;
    AuditRepo::append_audit_record(tx, &record).await?;
    Ok(event)
}

/// What [`discard_tenantless_event`] needs.
pub trait DiscardTenantlessEventTx: TenantlessEventRepo + PlatformAuditRepo {}

impl<T: TenantlessEventRepo + PlatformAuditRepo + ?Sized> DiscardTenantlessEventTx for T {}

/// Discards a dead letter that belongs to no tenant.
///
/// # Errors
/// [`DiscardEventError`].
pub async fn discard_tenantless_event(
    operator: Operator,
    tx: &mut dyn DiscardTenantlessEventTx,
    id: EventId,
    reason: &Reason,
    origin: RequestOrigin,
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

fn discarded(actor: Principal, id: EventId, reason: &Reason, origin: RequestOrigin, clock: &dyn Clock) -> Record {
    Record::new(actor, origin, Action::EventDiscarded, clock)
        .about(target::WEBHOOK_EVENT, &id)
        .with("reason", reason.as_str())
}
