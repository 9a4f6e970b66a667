use audit::{Action, PlatformAuditRepo, Reason, Record, RequestOrigin, target};
use inbound::{EventIntake, EventStatus, IncomingEvent, TenantlessEventRepo};
use kernel::ids::EventId;
use kernel::{Clock, Operator, StoreError, Traceparent};
use whatsapp::{EventKind, split};

/// What [`reparse_delivery`] needs.
pub trait ReparseDeliveryTx: TenantlessEventRepo + EventIntake + PlatformAuditRepo {}

impl<T: TenantlessEventRepo + EventIntake + PlatformAuditRepo + ?Sized> ReparseDeliveryTx for T {}

#[derive(Debug, thiserror::Error)]
pub enum ReparseDeliveryError {
    #[error("the event does not exist")]
    NotFound,
    #[error(
        "only a dead letter whose payload is kept can be replayed; events that wait for their number are processed when it is connected"
    )]
    NotReplayable,
    #[error("the payload still cannot be parsed")]
    StillUnparsed,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Parses a delivery again that could not be parsed when it arrived, and stores its events as if it had just arrived. Returns
/// the number of new events.
///
/// # Errors
/// [`ReparseDeliveryError`]: nothing changed.
pub async fn reparse_delivery(
    operator: Operator,
    tx: &mut dyn ReparseDeliveryTx,
    id: EventId,
    reason: &Reason,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<usize, ReparseDeliveryError> {
    let now = clock.now();
    let event = tx.event(id).await?.ok_or(ReparseDeliveryError::NotFound)?;
    let payload = tx.event_payload(id).await?.filter(|_| event.status == EventStatus::DeadLetter);
    let payload = payload.ok_or(ReparseDeliveryError::NotReplayable)?;
    let mut events = split(&payload, clock);
    if events.iter().any(|event| event.kind == EventKind::unparsed()) {
        return Err(ReparseDeliveryError::StillUnparsed);
    }
    if !tx.finish_reparsed_event(id, now).await? {
        return Err(ReparseDeliveryError::NotReplayable);
    }
    events.sort_by(|a, b| a.dedupe_key.cmp(&b.dedupe_key));
    let trace = Traceparent::start(clock);
    let incoming = |it| IncomingEvent { app: event.app.clone(), trace, event: it };
    let events: Vec<IncomingEvent> = events.into_iter().map(incoming).collect();
    let stored = tx.store_events(&events, now).await?.len();
    let record = Record::new(operator.into(), origin, Action::EventReplayed, clock).about(target::WEBHOOK_EVENT, &id);
    tx.append_platform_audit_record(&record.with("reason", reason.as_str()).with("events", stored)).await?;
    Ok(stored)
}
