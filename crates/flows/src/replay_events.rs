use audit::{Action, AuditRepo, Origin, Reason, Record, target};
use inbound::{EventFilter, EventRepo, ReplayLimit, WebhookEvent};
use kernel::ids::EventId;
use kernel::{By, Clock, EventsReplay, StoreError};

/// What somebody needs who replays or discards events.
pub trait EventDeskTx: EventRepo + AuditRepo {}

impl<T: EventRepo + AuditRepo + ?Sized> EventDeskTx for T {}

#[derive(Debug, thiserror::Error)]
pub enum ReplayEventError {
    #[error("there is no such event")]
    NotFound,
    /// It is no dead letter, or what Meta sent is kept no more.
    #[error("the event cannot be replayed")]
    NotReplayable,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Drives a dead letter again: today's code on the original bytes. That a message is stored once makes it safe. Answers the
/// event as it is now.
///
/// # Errors
/// [`ReplayEventError`].
pub async fn replay_event(
    by: By<EventsReplay>,
    tx: &mut dyn EventDeskTx,
    id: EventId,
    reason: &Reason,
    origin: Origin,
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

/// Drives again what a filter finds, the oldest first; how many. They come one after the other, so that what comes in
/// meanwhile need not wait behind all of them.
///
/// # Errors
/// [`StoreError`].
pub async fn replay_events(
    by: By<EventsReplay>,
    tx: &mut dyn EventDeskTx,
    filter: &EventFilter,
    limit: ReplayLimit,
    reason: &Reason,
    origin: Origin,
    clock: &dyn Clock,
) -> Result<usize, StoreError> {
    let replayed = tx.replay_events(filter, limit, clock.now()).await?;
    if replayed > 0 {
        let record = Record::new((&by).into(), origin, Action::EventsReplayed, clock)
            .with("reason", reason.as_str())
            .with("events", replayed)
            .with("status", filter.status.map(inbound::EventStatus::key))
            .with("kind", filter.kind.as_ref().map(inbound::EventKind::as_str))
            .with("account_id", filter.account.map(|account| account.to_string()))
            .with("error_class", filter.error_class.map(inbound::ErrorClass::key));
        tx.append_audit_record(&record).await?;
    }
    Ok(replayed)
}

/// How many events [`replay_events`] would replay; changes nothing.
///
/// # Errors
/// [`StoreError`].
pub async fn count_replayable(
    _by: By<EventsReplay>,
    repo: &mut dyn EventRepo,
    filter: &EventFilter,
    limit: ReplayLimit,
) -> Result<usize, StoreError> {
    repo.count_replayable(filter, limit).await
}
