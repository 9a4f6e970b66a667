use actix_web::web;
use chrono::{DateTime, Utc};
use flows::{ApiKeyPatch, change_api_key};
use kernel::ids::ApiKeyId;
use kernel::{ApiKeysWrite, Change, Clock, Grant as _};
use serde::Deserialize;
use tokens::{ApiKey, ApiKeyName};
use utoipa::ToSchema;

use super::bodies::{ApiKeyBody, ApiKeyPermissionBody, NetworkBody, networks, permissions};
use crate::auth::Allow;
use crate::extract::{Json, PathId, member};
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;
use crate::validation::Validation;

/// A JSON Merge Patch (RFC 7396): absent members are kept.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ApiKeyPatch)]
pub(crate) struct PatchBody {
    /// 1 to 100 characters.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = String, required = false, example = "Shop", format = "key-name")]
    name: Change<String>,
    /// Replaces all of them. The caller must hold them.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = Vec<ApiKeyPermissionBody>, required = false, min_items = 1, example = json!(["crm:read"]))]
    permissions: Change<Vec<String>>,
    /// Replaces all of them. Null: the key can be used from everywhere.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = Option<Vec<NetworkBody>>, max_items = 50, example = json!(["192.0.2.0/24"]))]
    networks: Change<Vec<String>>,
    /// At most 365 days from now.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = DateTime<Utc>, required = false)]
    expires_at: Change<DateTime<Utc>>,
}

/// Change an API key
///
/// A JSON Merge Patch, for a key that has not ended. It counts from the key's next request. The caller must hold all permissions of
/// the key, the old ones and the new ones.
#[utoipa::path(
    patch,
    path = "/api-keys/{id}",
    operation_id = "changeApiKey",
    tag = tags::API_KEYS,
    security(("bearer" = [ApiKeysWrite::PERMISSION])),
    params(("id" = Uuid, Path, description = "The key's id")),
    request_body(content((PatchBody = "application/merge-patch+json"), (PatchBody = "application/json"))),
    responses((status = 200, description = "The changed key", body = ApiKeyBody)),
    extensions(("x-problems" = json!([Code::NotFound, Code::CannotGrant, Code::ApiKeyEnded]))),
)]
pub(crate) async fn change(
    allow: Allow<ApiKeysWrite>,
    state: web::Data<State>,
    PathId(id): PathId<ApiKeyId>,
    body: Json<PatchBody>,
) -> Result<web::Json<ApiKeyBody>, Problem> {
    let patch = body.into_inner().check(&*state.clock)?;
    let origin = allow.origin();
    let key = state
        .in_tenant(allow, async |permit, tx| change_api_key(permit, tx, id, patch, origin, &*state.clock).await)
        .await?;
    Ok(web::Json(ApiKeyBody::new(&key, state.clock.now())))
}

impl PatchBody {
    fn check(self, clock: &dyn Clock) -> Result<ApiKeyPatch, Problem> {
        let mut validation = Validation::default();
        let name = validation.replacement("/name", self.name, |name| ApiKeyName::parse(&name));
        let expires_at =
            validation.replacement("/expires_at", self.expires_at, |time| ApiKey::check_expiry(time, clock));
        let named = validation.replacement("/permissions", self.permissions, Ok::<_, std::convert::Infallible>);
        let permissions = named.map(|keys| permissions(&mut validation, &keys));
        let networks = match self.networks {
            Change::Keep => None,
            Change::Clear => Some(networks(&mut validation, &[])),
            Change::Set(texts) => Some(networks(&mut validation, &texts)),
        };
        if validation.is_valid() {
            Ok(ApiKeyPatch { name, permissions, networks, expires_at })
        } else {
            Err(validation.into_problem())
        }
    }
}
