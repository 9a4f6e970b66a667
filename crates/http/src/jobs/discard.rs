use actix_web::{HttpResponse, web};
use flows::discard_job;
use kernel::ids::JobId;
use kernel::{EventsReplay, Grant as _};

use crate::auth::Allow;
use crate::extract::{Json, PathId};
use crate::inbound::bodies::ReasonBody;
use crate::inbound::replay::checked_reason;
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;

/// Discard a job
///
/// Deletes a dead letter. What it was about is not done, until something requests it anew.
#[utoipa::path(
    post,
    path = "/jobs/{id}/discard",
    operation_id = "discardJob",
    tag = tags::EVENTS,
    security(("bearer" = [EventsReplay::PERMISSION])),
    params(("id" = Uuid, Path, description = "The job's id")),
    request_body = ReasonBody,
    responses((status = 204, description = "The job is deleted")),
    extensions(("x-problems" = json!([Code::NotFound, Code::NotDeadLetter]))),
)]
pub(crate) async fn discard(
    allow: Allow<EventsReplay>,
    state: web::Data<State>,
    PathId(id): PathId<JobId>,
    body: Json<ReasonBody>,
) -> Result<HttpResponse, Problem> {
    let reason = checked_reason(&body)?;
    let origin = allow.origin();
    state
        .in_tenant(allow, async |permit, tx| discard_job(permit.into(), tx, id, &reason, origin, &*state.clock).await)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
