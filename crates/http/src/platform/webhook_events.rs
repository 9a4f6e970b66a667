use actix_web::web;
use flows::settle;
use inbound::{EventReader, events};
use tokens::ScopeGrant as _;
use tokens::scope::EventsRead;

use crate::State;
use crate::cursor::{ListId, ListKind};
use crate::events::bodies::{EventBody, EventQuery};
use crate::extract::{Query, page_request};
use crate::openapi::tag;
use crate::operators::Operate;
use crate::page::PageBody;
use crate::problem::{Code, Problem};

/// List webhook events without a tenant
///
/// Events of unconnected numbers and malformed deliveries, newest first.
#[utoipa::path(
    get,
    path = "/platform/webhook-events",
    operation_id = "listTenantlessWebhookEvents",
    tag = tag::PLATFORM,
    security(("provisioning_key" = [EventsRead::SCOPE])),
    params(EventQuery),
    responses((status = 200, description = "A page of events", body = PageBody<EventBody>)),
    extensions(("x-problems" = json!([Code::InvalidCursor]))),
)]
pub(crate) async fn list(
    operate: Operate<EventsRead>,
    state: web::Data<State>,
    Query(query): Query<EventQuery>,
) -> Result<web::Json<PageBody<EventBody>>, Problem> {
    let list = ListId::for_operators(ListKind::WebhookEvents);
    let page = page_request(&state.cursor_key, list, query.limit, query.cursor.as_deref())?;
    let mut tx = state.database.intake().await?;
    let repo: &mut dyn EventReader = &mut *tx;
    let outcome = events(operate.operator().into(), repo, &query.into(), &page).await;
    let page = settle(tx, outcome).await?;
    Ok(web::Json(PageBody::from_page(page, &state.cursor_key, list)))
}
