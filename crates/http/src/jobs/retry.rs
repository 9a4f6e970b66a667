use actix_web::web;
use flows::{DeadJobError, retry_job};
use kernel::ids::JobId;
use kernel::{EventsReplay, Grant as _};

use super::bodies::JobBody;
use crate::auth::Allow;
use crate::extract::{Json, PathId};
use crate::inbound::bodies::ReasonBody;
use crate::inbound::replay::checked_reason;
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;

/// Retry a job
///
/// Runs a dead letter again, with the current code. Of concurrent retries one is accepted.
#[utoipa::path(
    post,
    path = "/jobs/{id}/retry",
    operation_id = "retryJob",
    tag = tags::EVENTS,
    security(("bearer" = [EventsReplay::PERMISSION])),
    params(("id" = Uuid, Path, description = "The job's id")),
    request_body = ReasonBody,
    responses((status = 200, description = "The job will run again", body = JobBody)),
    extensions(("x-problems" = json!([Code::NotFound, Code::NotDeadLetter]))),
)]
pub(crate) async fn retry(
    allow: Allow<EventsReplay>,
    state: web::Data<State>,
    PathId(id): PathId<JobId>,
    body: Json<ReasonBody>,
) -> Result<web::Json<JobBody>, Problem> {
    let reason = checked_reason(&body)?;
    let origin = allow.origin();
    let job = state
        .in_tenant(allow, async |permit, tx| retry_job(permit.into(), tx, id, &reason, origin, &*state.clock).await)
        .await?;
    state.job_bell.ring();
    Ok(web::Json(job.into()))
}

impl From<DeadJobError> for Problem {
    fn from(error: DeadJobError) -> Self {
        match error {
            DeadJobError::NotFound => Self::not_found(),
            DeadJobError::NotDeadLetter => Self::new(Code::NotDeadLetter),
            DeadJobError::Store(error) => error.into(),
        }
    }
}
