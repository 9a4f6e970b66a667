use actix_web::web;
use flows::{RolePatch, change_role};
use kernel::ids::RoleId;
use kernel::{Grant as _, RolesWrite};
use serde::Deserialize;
use utoipa::ToSchema;

use super::bodies::{PermissionKeyBody, RoleBody, permissions};
use crate::auth::Allow;
use crate::extract::{Json, PathId};
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;
use crate::validation::Validation;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RolePermissions)]
pub(crate) struct PermissionsBody {
    /// The role's version as last read.
    #[schema(example = 1)]
    version: i64,
    /// Permission keys, which the caller must hold; implied permissions are added.
    #[schema(value_type = Vec<PermissionKeyBody>, example = json!(["crm:write"]))]
    permissions: Vec<String>,
}

/// Replace a role's permissions
///
/// The caller must hold all permissions of the role, before and after, and all permissions of each user from whom the
/// change removes one. Takes effect on the users' next requests.
#[utoipa::path(
    put,
    path = "/roles/{id}/permissions",
    operation_id = "replaceRolePermissions",
    tag = tags::ROLES,
    security(("bearer" = [RolesWrite::PERMISSION])),
    params(("id" = Uuid, Path, description = "The role's id")),
    request_body = PermissionsBody,
    responses((status = 200, description = "The changed role", body = RoleBody)),
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
    let found = state
        .in_tenant(allow, async |permit, tx| change_role(permit, tx, id, patch, origin, &*state.clock).await)
        .await?;
    Ok(web::Json(found.into()))
}

impl PermissionsBody {
    fn check(self) -> Result<RolePatch, Problem> {
        let mut validation = Validation::default();
        let permissions = permissions(&mut validation, &self.permissions);
        if validation.is_valid() {
            Ok(RolePatch { version: self.version, name: None, permissions: Some(permissions) })
        } else {
            Err(validation.into_problem())
        }
    }
}
