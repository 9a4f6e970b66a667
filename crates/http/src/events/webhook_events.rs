use actix_web::web;
use flows::settle;
use inbound::{event, events};
use kernel::ids::EventId;
use kernel::{Authorization, EventsRead, EventsReplay, Grant as _};

use super::bodies::{EventBody, EventDetailsBody, EventQuery};
use crate::State;
use crate::auth::Allow;
use crate::cursor::{ListId, ListKind};
use crate::extract::{PathId, Query, page_request};
use crate::openapi::tag;
use crate::page::PageBody;
use crate::problem::{Code, Problem};

/// List webhook events
///
/// Newest first. Use `status=dead_letter` for the events that need attention.
#[utoipa::path(
    get,
    path = "/webhook-events",
    operation_id = "listWebhookEvents",
    tag = tag::EVENTS,
    security(("bearer" = [EventsRead::PERMISSION])),
    params(EventQuery),
    responses((status = 200, description = "A page of events", body = PageBody<EventBody>)),
    extensions(("x-problems" = json!([Code::InvalidCursor]))),
)]
pub(crate) async fn list(
    allow: Allow<EventsRead>,
    state: web::Data<State>,
    Query(query): Query<EventQuery>,
) -> Result<web::Json<PageBody<EventBody>>, Problem> {
    let list = ListId { kind: ListKind::WebhookEvents, tenant: allow.scope().tenant() };
    let page = page_request(&state.cursor_key, list, query.limit, query.cursor.as_deref())?;
    let mut tx = state.database.tenant(allow.scope()).await?;
    let outcome = events(allow.permit().into(), &mut *tx, &query.into(), &page).await;
    let page = settle(tx, outcome).await?;
    Ok(web::Json(PageBody::from_page(page, &state.cursor_key, list)))
}

/// Read a webhook event
///
/// With its failed attempts and, for callers with `events:replay`, its payload.
#[utoipa::path(
    get,
    path = "/webhook-events/{id}",
    operation_id = "readWebhookEvent",
    tag = tag::EVENTS,
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
    let mut tx = state.database.tenant(allow.scope()).await?;
    let outcome = event(allow.permit().into(), may_see_payload, &mut *tx, id).await;
    let event = settle(tx, outcome).await?.ok_or_else(|| Problem::new(Code::NotFound))?;
    Ok(web::Json(event.into()))
}
