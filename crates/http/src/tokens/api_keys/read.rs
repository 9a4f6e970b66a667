use actix_web::web;
use flows::api_keys_of_user;
use kernel::ids::{ApiKeyId, UserId};
use kernel::{ApiKeysRead, Grant as _, Page};
use tokens::{ApiKey, api_key, api_keys};

use super::bodies::ApiKeyBody;
use crate::auth::Allow;
use crate::cursor::ListKind;
use crate::extract::{Listing, PageQuery, PathId};
use crate::page::PageBody;
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;

/// List the API keys
///
/// Newest first, without their secrets. Expired and revoked keys are listed for 90 days after their end.
#[utoipa::path(
    get,
    path = "/api-keys",
    operation_id = "listApiKeys",
    tag = tags::API_KEYS,
    security(("bearer" = [ApiKeysRead::PERMISSION])),
    params(PageQuery),
    responses((status = 200, description = "A page of keys", body = PageBody<ApiKeyBody>)),
    extensions(("x-problems" = json!([Code::InvalidCursor]))),
)]
pub(crate) async fn list(
    allow: Allow<ApiKeysRead>,
    state: web::Data<State>,
    listing: Listing,
) -> Result<web::Json<PageBody<ApiKeyBody>>, Problem> {
    state
        .list(allow, ListKind::ApiKeys, &listing.page, async |permit, tx, page| {
            let keys = api_keys(permit, tx, page).await?;
            Ok::<_, Problem>(bodies(keys, &state))
        })
        .await
}

/// List the API keys that a user made
///
/// Newest first. The keys belong to the tenant: they can be used also when the user is suspended.
#[utoipa::path(
    get,
    path = "/users/{id}/api-keys",
    operation_id = "listApiKeysOfUser",
    tag = tags::API_KEYS,
    security(("bearer" = [ApiKeysRead::PERMISSION])),
    params(("id" = Uuid, Path, description = "The user's id"), PageQuery),
    responses((status = 200, description = "A page of keys", body = PageBody<ApiKeyBody>)),
    extensions(("x-problems" = json!([Code::InvalidCursor, Code::NotFound]))),
)]
pub(crate) async fn list_of_user(
    allow: Allow<ApiKeysRead>,
    state: web::Data<State>,
    PathId(user): PathId<UserId>,
    listing: Listing,
) -> Result<web::Json<PageBody<ApiKeyBody>>, Problem> {
    state
        .list(allow, ListKind::ApiKeysOf(user), &listing.page, async |permit, tx, page| {
            let keys = api_keys_of_user(permit, tx, user, page).await?.ok_or_else(Problem::not_found)?;
            Ok::<_, Problem>(bodies(keys, &state))
        })
        .await
}

/// Read an API key
#[utoipa::path(
    get,
    path = "/api-keys/{id}",
    operation_id = "readApiKey",
    tag = tags::API_KEYS,
    security(("bearer" = [ApiKeysRead::PERMISSION])),
    params(("id" = Uuid, Path, description = "The key's id")),
    responses((status = 200, description = "The key", body = ApiKeyBody)),
    extensions(("x-problems" = json!([Code::NotFound]))),
)]
pub(crate) async fn read(
    allow: Allow<ApiKeysRead>,
    state: web::Data<State>,
    PathId(id): PathId<ApiKeyId>,
) -> Result<web::Json<ApiKeyBody>, Problem> {
    let found = state.in_tenant(allow, async |permit, tx| api_key(permit, tx, id).await).await?;
    let key = found.ok_or_else(Problem::not_found)?;
    Ok(web::Json(ApiKeyBody::new(&key, state.clock.now())))
}

fn bodies(keys: Page<ApiKey>, state: &State) -> Page<ApiKeyBody> {
    let now = state.clock.now();
    keys.map(|key| ApiKeyBody::new(&key, now))
}
