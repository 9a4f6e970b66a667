use actix_web::web;
use flows::{DiscardEventError, discard_event, settle};
use kernel::ids::EventId;
use kernel::{EventsReplay, Grant as _};

use super::bodies::{EventBody, ReasonBody};
use super::replay::checked_reason;
use crate::State;
use crate::auth::Allow;
use crate::extract::{Json, PathId};
use crate::openapi::tag;
use crate::problem::{Code, Problem};

/// Discard a webhook event
///
/// Marks a dead letter as discarded. It can still be replayed while its payload is retained.
#[utoipa::path(
    post,
    path = "/webhook-events/{id}/discard",
    operation_id = "discardWebhookEvent",
    tag = tag::EVENTS,
    security(("bearer" = [EventsReplay::PERMISSION])),
    params(("id" = Uuid, Path, description = "The event's id")),
    request_body = ReasonBody,
    responses((status = 200, description = "The event is discarded", body = EventBody)),
    extensions(("x-problems" = json!([Code::NotFound, Code::NotDeadLetter]))),
)]
pub(crate) async fn discard(
    allow: Allow<EventsReplay>,
    state: web::Data<State>,
    PathId(id): PathId<EventId>,
    body: Json<ReasonBody>,
) -> Result<web::Json<EventBody>, Problem> {
    let reason = checked_reason(&body)?;
    let origin = allow.origin();
    let mut tx = state.database.tenant(allow.scope()).await?;
    let by = allow.permit().into();
    let outcome = discard_event(by, &mut *tx, id, &reason, origin, &*state.clock).await;
    Ok(web::Json(settle(tx, outcome).await?.into()))
}

impl From<DiscardEventError> for Problem {
    fn from(error: DiscardEventError) -> Self {
        match error {
            DiscardEventError::NotFound => Self::new(Code::NotFound),
            DiscardEventError::NotDeadLetter => Self::new(Code::NotDeadLetter),
            DiscardEventError::Store(error) => error.into(),
        }
    }
}
