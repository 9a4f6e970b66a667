use actix_web::{HttpResponse, web};
use flows::{RetryMediaError, retry_media};
use kernel::ids::MediaId;
use kernel::{CrmWrite, Grant as _};

use super::media_body::FileBody;
use crate::auth::Allow;
use crate::extract::PathId;
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;

/// Fetch a file again
///
/// For a file that was received and is not stored: it is asked for at WhatsApp once more, now.
#[utoipa::path(
    post,
    path = "/crm/media/{id}/retry",
    operation_id = "retryMedia",
    tag = tags::CRM,
    security(("bearer" = [CrmWrite::PERMISSION])),
    params(("id" = Uuid, Path, description = "The file's id")),
    responses((status = 202, description = "It will be fetched", body = FileBody)),
    extensions(("x-problems" = json!([Code::NotFound, Code::MediaNotRetryable]))),
)]
pub(crate) async fn retry(
    allow: Allow<CrmWrite>,
    state: web::Data<State>,
    PathId(id): PathId<MediaId>,
) -> Result<HttpResponse, Problem> {
    let media = state.in_tenant(allow, async |permit, tx| retry_media(permit, tx, id, &*state.clock).await).await?;
    state.job_bell.ring();
    Ok(HttpResponse::Accepted().json(FileBody::from(media)))
}

impl From<RetryMediaError> for Problem {
    fn from(error: RetryMediaError) -> Self {
        match error {
            RetryMediaError::NotFound => Self::not_found(),
            RetryMediaError::NotRetryable => Self::new(Code::MediaNotRetryable),
            RetryMediaError::Store(error) => error.into(),
        }
    }
}
