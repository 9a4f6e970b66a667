use actix_web::web;
use flows::{DiscardEventError, discard_event};
use kernel::ids::EventId;
use kernel::{EventsReplay, Grant as _};

use super::bodies::{EventBody, ReasonBody};
use super::replay::checked_reason;
use crate::auth::Allow;
use crate::extract::{Json, PathId};
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;

/// Discard a webhook event
///
/// Marks a dead letter as discarded. It can still be replayed while its payload is retained.
#[utoipa::path(
    post,
    path = "/webhook-events/{id}/discard",
    operation_id = "discardWebhookEvent",
    tag = tags::EVENTS,
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
    let found = state
        .in_tenant(allow, async |permit, tx| discard_event(permit.into(), tx, id, &reason, origin, &*state.clock).await)
        .await?;
    Ok(web::Json(found.into()))
}

impl From<DiscardEventError> for Problem {
    fn from(error: DiscardEventError) -> Self {
        match error {
            DiscardEventError::NotFound => Self::not_found(),
            DiscardEventError::NotDeadLetter => Self::new(Code::NotDeadLetter),
            DiscardEventError::Store(error) => error.into(),
        }
    }
}
