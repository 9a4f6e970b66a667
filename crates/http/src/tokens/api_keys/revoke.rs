use actix_web::{HttpResponse, web};
use flows::revoke_api_key;
use kernel::ids::ApiKeyId;
use kernel::{ApiKeysWrite, Grant as _};

use crate::auth::Allow;
use crate::extract::PathId;
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;

/// Revoke an API key
///
/// Its next request is refused, by each process. The key stays in the list, as revoked. The caller must hold all permissions of the
/// key.
#[utoipa::path(
    delete,
    path = "/api-keys/{id}",
    operation_id = "revokeApiKey",
    tag = tags::API_KEYS,
    security(("bearer" = [ApiKeysWrite::PERMISSION])),
    params(("id" = Uuid, Path, description = "The key's id")),
    responses((status = 204, description = "Revoked, or ended before")),
    extensions(("x-problems" = json!([Code::NotFound, Code::CannotGrant]))),
)]
pub(crate) async fn revoke(
    allow: Allow<ApiKeysWrite>,
    state: web::Data<State>,
    PathId(id): PathId<ApiKeyId>,
) -> Result<HttpResponse, Problem> {
    let origin = allow.origin();
    state.in_tenant(allow, async |permit, tx| revoke_api_key(permit, tx, id, origin, &*state.clock).await).await?;
    Ok(HttpResponse::NoContent().finish())
}
