use actix_web::web;
use flows::settle;
use inbound::{event, events};
use kernel::ids::EventId;
use kernel::{By, EventsRead, EventsReplay, Grant as _};

use super::bodies::{EventBody, EventDetailsBody, EventQuery};
use crate::http::State;
use crate::http::auth::Allow;
use crate::http::cursor::{List, ListKind};
use crate::http::extract::{PathId, Query, page_request};
use crate::http::openapi::tag;
use crate::http::page::PageBody;
use crate::http::problem::{Code, Problem};

/// List webhook events
///
/// Latest first. Dead letters, those that somebody has to look at, are `status=dead_letter`.
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
    let list = List { kind: ListKind::WebhookEvents, tenant: allow.scope().tenant() };
    let page = page_request(&state.cursor_key, list, query.limit, query.cursor.as_deref())?;
    let mut tx = state.identity.database.tenant(allow.scope()).await?;
    let outcome = events(allow.permit().into(), &mut *tx, &query.into(), &page).await;
    let page = settle(tx, outcome).await?;
    Ok(web::Json(PageBody::of(page, &state.cursor_key, list)))
}

/// Read a webhook event
///
/// With its failed attempts and, for who may replay it, what Meta sent.
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
    let may_see_payload = allow.also::<EventsReplay>().map(By::from);
    let mut tx = state.identity.database.tenant(allow.scope()).await?;
    let outcome = event(allow.permit().into(), may_see_payload, &mut *tx, id).await;
    let event = settle(tx, outcome).await?.ok_or_else(|| Problem::new(Code::NotFound))?;
    Ok(web::Json(event.into()))
}
