use audit::{Action, Origin, PlatformAuditRepo, Reason, Record, target};
use inbound::{EventIntake, EventKind, EventStatus, IncomingEvent, TenantlessEventRepo, split};
use kernel::ids::EventId;
use kernel::{Clock, Operator, StoreError, Traceparent};

/// What it takes to read a delivery again.
pub trait SplitAgainTx: TenantlessEventRepo + EventIntake + PlatformAuditRepo {}

impl<T: TenantlessEventRepo + EventIntake + PlatformAuditRepo + ?Sized> SplitAgainTx for T {}

#[derive(Debug, thiserror::Error)]
pub enum SplitAgainError {
    #[error("there is no such event")]
    NotFound,
    #[error(
        "only a dead letter whose payload is kept can be replayed; what waits for its number is driven when that is connected"
    )]
    NotReplayable,
    #[error("it still is not what WhatsApp sends")]
    StillUnparsed,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads a delivery again that made no sense when it came, and stores what is in it as if it had just been delivered; how
/// many events that are new.
///
/// # Errors
/// [`SplitAgainError`]: nothing changed.
pub async fn split_again(
    operator: Operator,
    tx: &mut dyn SplitAgainTx,
    id: EventId,
    reason: &Reason,
    origin: Origin,
    clock: &dyn Clock,
) -> Result<usize, SplitAgainError> {
    let now = clock.now();
    let event = tx.event(id).await?.ok_or(SplitAgainError::NotFound)?;
    let payload = tx.event_payload(id).await?.filter(|_| event.status == EventStatus::DeadLetter);
    let payload = payload.ok_or(SplitAgainError::NotReplayable)?;
    let mut events = split(&payload, clock);
    if events.iter().any(|event| event.kind == EventKind::unparsed()) {
        return Err(SplitAgainError::StillUnparsed);
    }
    if !tx.finish_tenantless_event(id, now).await? {
        return Err(SplitAgainError::NotReplayable);
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
