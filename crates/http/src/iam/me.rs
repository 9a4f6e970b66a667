use actix_web::web;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::bodies::{TenantBody, UserBody, role_keys};
use crate::auth::Authenticated;
use crate::tags;

/// The caller, the tenant, and the caller's current permissions.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Me)]
pub(crate) struct MeBody {
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

/// Read the caller
#[utoipa::path(
    get,
    path = "/auth/me",
    operation_id = "me",
    tag = tags::AUTH,
    security(("bearer" = [])),
    responses((status = 200, description = "The caller", body = MeBody)),
)]
pub(crate) async fn me(Authenticated { access, .. }: Authenticated) -> web::Json<MeBody> {
    web::Json(MeBody {
        user: UserBody::new(&access.user, &access.roles),
        tenant: access.tenant.clone().into(),
        roles: role_keys(&access.roles),
        permissions: access.permissions.iter().map(kernel::Permission::key).collect(),
        session: SessionBody {
            id: access.session.id.as_uuid(),
            created_at: access.session.created_at,
            expires_at: access.session.expires_at,
        },
    })
}
