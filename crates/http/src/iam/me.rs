use actix_web::web;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::bodies::{TenantBody, UserBody, role_keys};
use crate::auth::AuthenticatedCaller;
use crate::tags;
use crate::tokens::api_keys::ApiKeyPermissionBody;

/// The caller: a user, or a program with an API key.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = Me)]
pub(crate) enum MeBody {
    User(UserMeBody),
    Program(ProgramMeBody),
}

/// The caller, the tenant, and the caller's current permissions.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UserMe)]
pub(crate) struct UserMeBody {
    user: UserBody,
    tenant: TenantBody,
    #[schema(example = json!(["owner"]))]
    roles: Vec<String>,
    #[schema(example = json!(["crm:read", "crm:write"]))]
    permissions: Vec<&'static str>,
    session: SessionBody,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CurrentSession)]
pub(crate) struct SessionBody {
    id: Uuid,
    created_at: DateTime<Utc>,
    /// Expiry of the session; refreshing does not extend it.
    expires_at: DateTime<Utc>,
}

/// The API key, the tenant, and what the key may do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProgramMe)]
pub(crate) struct ProgramMeBody {
    api_key: CurrentKeyBody,
    tenant: TenantBody,
    #[schema(value_type = Vec<ApiKeyPermissionBody>, example = json!(["crm:read", "messages:send"]))]
    permissions: Vec<&'static str>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CurrentApiKey)]
pub(crate) struct CurrentKeyBody {
    id: Uuid,
    #[schema(example = "Shop")]
    name: String,
    expires_at: DateTime<Utc>,
}

/// Read the caller
///
/// For users, and for programs with any API key: says what the caller may do.
#[utoipa::path(
    get,
    path = "/auth/me",
    operation_id = "me",
    tag = tags::AUTH,
    security(("bearer" = [])),
    responses((status = 200, description = "The caller", body = MeBody)),
)]
pub(crate) async fn me(caller: AuthenticatedCaller) -> web::Json<MeBody> {
    web::Json(match caller {
        AuthenticatedCaller::User(access) => MeBody::User(UserMeBody {
            user: UserBody::new(&access.user, &access.roles),
            tenant: access.tenant.clone().into(),
            roles: role_keys(&access.roles),
            permissions: access.permissions.iter().map(kernel::Permission::key).collect(),
            session: SessionBody {
                id: access.session.id.as_uuid(),
                created_at: access.session.created_at,
                expires_at: access.session.expires_at,
            },
        }),
        AuthenticatedCaller::Program(access) => MeBody::Program(ProgramMeBody {
            api_key: CurrentKeyBody {
                id: access.key.id.as_uuid(),
                name: access.key.name.as_str().to_owned(),
                expires_at: access.key.expires_at,
            },
            tenant: access.tenant.clone().into(),
            permissions: access.key.permissions.iter().map(kernel::Permission::key).collect(),
        }),
    })
}
