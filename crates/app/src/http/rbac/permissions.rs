use actix_web::web;
use kernel::{Grant as _, Permission, RolesRead};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::auth::Allow;
use crate::http::openapi::tag;
use crate::http::page::PageBody;
use crate::http::problem::Problem;

/// Something that a role may allow.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Permission)]
pub(crate) struct PermissionBody {
    #[schema(example = "crm:write")]
    key: &'static str,
    /// The permission that comes with it.
    #[schema(required, example = "crm:read")]
    implies: Option<&'static str>,
}

/// List the permissions that there are
///
/// The same for all tenants, on one page.
#[utoipa::path(
    get,
    path = "/permissions",
    operation_id = "listPermissions",
    tag = tag::ROLES,
    security(("bearer" = [RolesRead::PERMISSION])),
    responses((status = 200, description = "All of them", body = PageBody<PermissionBody>)),
)]
pub(crate) async fn list(_allow: Allow<RolesRead>) -> Result<web::Json<PageBody<PermissionBody>>, Problem> {
    Ok(web::Json(PageBody::whole(Permission::ALL)))
}

impl From<Permission> for PermissionBody {
    fn from(permission: Permission) -> Self {
        Self { key: permission.key(), implies: permission.implies().map(Permission::key) }
    }
}
