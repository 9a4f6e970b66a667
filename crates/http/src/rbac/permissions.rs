use actix_web::web;
use kernel::{Grant as _, Permission, RolesRead};
use serde::Serialize;
use utoipa::ToSchema;

use super::bodies::PermissionKeyBody;
use crate::auth::Allow;
use crate::page::PageBody;
use crate::problem::Problem;
use crate::tags;

/// A permission that a role can contain.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Permission)]
pub(crate) struct PermissionBody {
    #[schema(value_type = PermissionKeyBody, example = "crm:write")]
    key: &'static str,
    /// The permission that it implies.
    #[schema(value_type = Option<PermissionKeyBody>, required, example = "crm:read")]
    implies: Option<&'static str>,
}

/// List all permissions
///
/// The same for all tenants; on one page.
#[utoipa::path(
    get,
    path = "/permissions",
    operation_id = "listPermissions",
    tag = tags::ROLES,
    security(("bearer" = [RolesRead::PERMISSION])),
    responses((status = 200, description = "All permissions", body = PageBody<PermissionBody>)),
)]
pub(crate) async fn list(_allow: Allow<RolesRead>) -> Result<web::Json<PageBody<PermissionBody>>, Problem> {
    Ok(web::Json(PageBody::single_page(Permission::ALL.iter().copied())))
}

impl From<Permission> for PermissionBody {
    fn from(permission: Permission) -> Self {
        Self { key: permission.key(), implies: permission.implies().map(Permission::key) }
    }
}
