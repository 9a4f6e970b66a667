use audit::{Action, AuditRepo, Reason, Record, RequestOrigin, target};
use inbound::{EventFilter, EventRepo, ReplayLimit, WebhookEvent};
use kernel::ids::EventId;
use kernel::{Authorization, Clock, EventsReplay, StoreError};

/// What replaying and discarding events needs.
pub trait ReplayEventsTx: EventRepo + AuditRepo {}

impl<T: EventRepo + AuditRepo + ?Sized> ReplayEventsTx for T {}

#[derive(Debug, thiserror::Error)]
pub enum ReplayEventError {
    #[error("the event does not exist")]
    NotFound,
    /// It is not a dead letter, or its payload was deleted.
    #[error("the event cannot be replayed")]
    NotReplayable,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Processes a dead letter again: the current code on the original payload. Safe to repeat, since each message is stored once.
/// Returns the event as it is now.
///
/// # Errors
/// [`ReplayEventError`].
pub async fn replay_event(
    by: Authorization<EventsReplay>,
    tx: &mut dyn ReplayEventsTx,
    id: EventId,
    reason: &Reason,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<WebhookEvent, ReplayEventError> {
    let replayed = tx.replay_event(id, clock.now()).await?;
    let event = tx.event(id).await?.ok_or(ReplayEventError::NotFound)?;
    if !replayed {
        return Err(ReplayEventError::NotReplayable);
    }
    let record = Record::new((&by).into(), origin, Action::EventReplayed, clock).about(target::WEBHOOK_EVENT, &id);
    tx.append_audit_record(&record.with("reason", reason.as_str())).await?;
    Ok(event)
}

/// Processes the dead letters that match a filter again, oldest first. Returns their number. Their next attempts are spread, so
/// that new events do not wait behind all of them.
///
/// # Errors
/// [`StoreError`].
pub async fn replay_events(
    by: Authorization<EventsReplay>,
    tx: &mut dyn ReplayEventsTx,
    filter: &EventFilter,
    limit: ReplayLimit,
    reason: &Reason,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<usize, StoreError> {
    let replayed = tx.replay_events(filter, limit, clock.now()).await?;
    if replayed > 0 {
        let record = Record::new((&by).into(), origin, Action::EventsReplayed, clock)
            .with("reason", reason.as_str())
            .with("events", replayed)
            .with("status", filter.status.map(inbound::EventStatus::key))
            .with("kind", filter.kind.as_ref().map(whatsapp::EventKind::as_str))
            .with("account_id", filter.account.map(|account| account.to_string()))
            .with("error_class", filter.error_class.map(inbound::ErrorClass::key));
        tx.append_audit_record(&record).await?;
    }
    Ok(replayed)
}

/// Counts the events that [`replay_events`] would replay. Changes nothing.
///
/// # Errors
/// [`StoreError`].
pub async fn count_replayable(
    _by: Authorization<EventsReplay>,
    repo: &mut dyn EventRepo,
    filter: &EventFilter,
    limit: ReplayLimit,
) -> Result<usize, StoreError> {
    repo.count_replayable(filter, limit).await
}
