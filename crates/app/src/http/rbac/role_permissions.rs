use actix_web::web;
use flows::{RolePatch, change_role, settle};
use kernel::ids::RoleId;
use kernel::{Grant as _, RolesWrite};
use serde::Deserialize;
use utoipa::ToSchema;

use super::bodies::{RoleBody, permissions};
use crate::http::State;
use crate::http::auth::Allow;
use crate::http::extract::{Json, PathId};
use crate::http::openapi::tag;
use crate::http::problem::{Code, Problem};
use crate::http::validation::Validation;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RolePermissions)]
pub(crate) struct PermissionsBody {
    /// The role's version as it was last read.
    #[schema(example = 1)]
    version: i64,
    /// Keys of permissions that the caller holds; what they imply is added.
    #[schema(example = json!(["crm:write"]))]
    permissions: Vec<String>,
}

/// Replace a role's permissions
///
/// Of a role that allows nothing beyond what the caller may do, by what they hold. Whoever has the role may do so on their next
/// request. Nothing is taken in this way from anybody who may do what the caller may not.
#[utoipa::path(
    put,
    path = "/roles/{id}/permissions",
    operation_id = "replaceRolePermissions",
    tag = tag::ROLES,
    security(("bearer" = [RolesWrite::PERMISSION])),
    params(("id" = Uuid, Path, description = "The role's id")),
    request_body = PermissionsBody,
    responses((status = 200, description = "The role as it is now", body = RoleBody)),
    extensions(("x-problems" = json!([
        Code::NotFound, Code::CannotGrant, Code::OutranksYou, Code::SystemRole, Code::StaleVersion,
    ]))),
)]
pub(crate) async fn replace(
    allow: Allow<RolesWrite>,
    state: web::Data<State>,
    PathId(id): PathId<RoleId>,
    body: Json<PermissionsBody>,
) -> Result<web::Json<RoleBody>, Problem> {
    let patch = body.into_inner().check()?;
    let origin = allow.origin();
    let mut tx = state.identity.database.tenant(allow.scope()).await?;
    let outcome = change_role(allow.permit(), &mut *tx, id, patch, origin, &*state.identity.clock).await;
    Ok(web::Json(settle(tx, outcome).await?.into()))
}

impl PermissionsBody {
    fn check(self) -> Result<RolePatch, Problem> {
        let mut validation = Validation::default();
        let permissions = permissions(&mut validation, &self.permissions);
        if validation.is_clean() {
            Ok(RolePatch { version: self.version, name: None, permissions: Some(permissions) })
        } else {
            Err(validation.into_problem())
        }
    }
}
