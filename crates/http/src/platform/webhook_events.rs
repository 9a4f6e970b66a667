use actix_web::web;
use inbound::{EventReader, events};
use tokens::ScopeGrant as _;
use tokens::scope::EventsRead;

use crate::cursor::ListKind;
use crate::extract::{Listing, PageQuery};
use crate::inbound::bodies::{EventBody, EventQuery};
use crate::operators::Operate;
use crate::page::PageBody;
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;

/// List webhook events without a tenant
///
/// Events of unconnected numbers and malformed deliveries, newest first.
#[utoipa::path(
    get,
    path = "/platform/webhook-events",
    operation_id = "listTenantlessWebhookEvents",
    tag = tags::PLATFORM,
    security(("provisioning_key" = [EventsRead::SCOPE])),
    params(EventQuery, PageQuery),
    responses((status = 200, description = "A page of events", body = PageBody<EventBody>)),
    extensions(("x-problems" = json!([Code::InvalidCursor, Code::ValidationFailed]))),
)]
pub(crate) async fn list(
    operate: Operate<EventsRead>,
    state: web::Data<State>,
    listing: Listing<EventQuery>,
) -> Result<web::Json<PageBody<EventBody>>, Problem> {
    let filter = listing.filter.check()?;
    state
        .list_for_operator(ListKind::WebhookEvents, &listing.page, async |page| {
            let by = operate.operator().into();
            state
                .database
                .in_intake(async |tx| {
                    let reader: &mut dyn EventReader = tx;
                    events(by, reader, &filter, page).await
                })
                .await
        })
        .await
}
