use kernel::ids::EventId;
use kernel::{By, EventsRead, EventsReplay, Page, PageRequest, StoreError};

use crate::{EventFilter, EventReader, FailedAttempt, WebhookEvent};

/// An event with everything about it.
#[derive(Clone, Debug)]
pub struct EventDetails {
    pub event: WebhookEvent,
    /// Oldest first.
    pub failed_attempts: Vec<FailedAttempt>,
    /// What Meta sent; none for who may not replay it, and when it was kept long enough.
    pub payload: Option<Vec<u8>>,
}

/// Events, latest first.
///
/// # Errors
/// [`StoreError`].
pub async fn events(
    _by: By<EventsRead>,
    repo: &mut dyn EventReader,
    filter: &EventFilter,
    page: &PageRequest,
) -> Result<Page<WebhookEvent>, StoreError> {
    repo.events(filter, page).await
}

/// One event. What Meta sent is the customers' own words: only who may replay it sees that.
///
/// # Errors
/// [`StoreError`].
pub async fn event(
    _by: By<EventsRead>,
    may_see_payload: Option<By<EventsReplay>>,
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
