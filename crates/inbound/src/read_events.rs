use kernel::ids::EventId;
use kernel::{Authorization, EventsRead, EventsReplay, Page, PageRequest, StoreError};

use crate::{EventFilter, EventReader, FailedAttempt, WebhookEvent};

/// An event with its failed attempts and payload.
#[derive(Clone, Debug)]
pub struct EventDetails {
    pub event: WebhookEvent,
    /// Oldest first.
    pub failed_attempts: Vec<FailedAttempt>,
    /// The payload; `None` without the permission to replay events, and after its retention.
    pub payload: Option<Vec<u8>>,
}

/// Events, latest first.
///
/// # Errors
/// [`StoreError`].
pub async fn events(
    _by: Authorization<EventsRead>,
    repo: &mut dyn EventReader,
    filter: &EventFilter,
    page: &PageRequest,
) -> Result<Page<WebhookEvent>, StoreError> {
    repo.events(filter, page).await
}

/// One event. The payload has the customers' own words: it needs the permission to replay events.
///
/// # Errors
/// [`StoreError`].
pub async fn event(
    _by: Authorization<EventsRead>,
    may_see_payload: Option<Authorization<EventsReplay>>,
    repo: &mut dyn EventReader,
    id: EventId,
) -> Result<Option<EventDetails>, StoreError> {
    let Some(event) = repo.event(id).await? else { return Ok(None) };
    let failed_attempts = repo.failed_attempts(id).await?;
    let payload = match may_see_payload {
        Some(_) => repo.event_payload(id).await?,
        None => None,
    };
    Ok(Some(EventDetails { event, failed_attempts, payload }))
}
