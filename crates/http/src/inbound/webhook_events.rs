use actix_web::web;
use inbound::{event, events};
use kernel::ids::EventId;
use kernel::{Authorization, EventsRead, EventsReplay, Grant as _};

use super::bodies::{EventBody, EventDetailsBody, EventQuery};
use crate::auth::Allow;
use crate::cursor::ListKind;
use crate::extract::{Listing, PageQuery, PathId};
use crate::page::PageBody;
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;

/// List webhook events
///
/// Newest first. Use `status=dead_letter` for the events that need attention.
#[utoipa::path(
    get,
    path = "/webhook-events",
    operation_id = "listWebhookEvents",
    tag = tags::EVENTS,
    security(("bearer" = [EventsRead::PERMISSION])),
    params(EventQuery, PageQuery),
    responses((status = 200, description = "A page of events", body = PageBody<EventBody>)),
    extensions(("x-problems" = json!([Code::InvalidCursor, Code::ValidationFailed]))),
)]
pub(crate) async fn list(
    allow: Allow<EventsRead>,
    state: web::Data<State>,
    listing: Listing<EventQuery>,
) -> Result<web::Json<PageBody<EventBody>>, Problem> {
    let is_filtered = listing.is_filtered;
    let filter = listing.filter.check()?;
    let _read = state.limits.filtered_read(allow.scope(), is_filtered).await?;
    state
        .list(allow, ListKind::WebhookEvents, &listing.page, async |permit, tx, page| {
            events(permit.into(), tx, &filter, page).await
        })
        .await
}

/// Read a webhook event
///
/// With its failed attempts and, for callers with `events:replay`, its payload.
#[utoipa::path(
    get,
    path = "/webhook-events/{id}",
    operation_id = "readWebhookEvent",
    tag = tags::EVENTS,
    security(("bearer" = [EventsRead::PERMISSION])),
    params(("id" = Uuid, Path, description = "The event's id")),
    responses((status = 200, description = "The event", body = EventDetailsBody)),
    extensions(("x-problems" = json!([Code::NotFound]))),
)]
pub(crate) async fn read(
    allow: Allow<EventsRead>,
    state: web::Data<State>,
    PathId(id): PathId<EventId>,
) -> Result<web::Json<EventDetailsBody>, Problem> {
    let may_see_payload = allow.try_permit::<EventsReplay>().map(Authorization::from);
    let event = state
        .in_tenant(allow, async |permit, tx| event(permit.into(), may_see_payload, tx, id).await)
        .await?
        .ok_or_else(Problem::not_found)?;
    Ok(web::Json(event.into()))
}
