use actix_web::{HttpResponse, web};
use flows::{
    ChangeRoleError, CreateRoleError, DeleteRoleError, NewRole, RolePatch, change_role, create_role, delete_role,
};
use kernel::ids::RoleId;
use kernel::{Change, Grant as _, RolesRead, RolesWrite};
use rbac::{RoleKey, RoleName, role, roles};
use serde::Deserialize;
use utoipa::ToSchema;

use super::authority::authority_problem;
use super::bodies::{PermissionKeyBody, RoleBody, permissions};
use crate::auth::Allow;
use crate::cursor::ListKind;
use crate::extract::{Json, Listing, PageQuery, PathId, member};
use crate::idempotency::{IdempotencyHeader, IdempotentJson};
use crate::page::PageBody;
use crate::problem::{Code, FieldError, Problem};
use crate::state::State;
use crate::tags;
use crate::validation::Validation;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CreateRole)]
pub(crate) struct CreateBody {
    /// 1 to 50 lower-case letters, digits, hyphens and underscores, starting with a letter. Cannot be changed.
    #[schema(example = "sales", format = "role-key")]
    key: String,
    /// 1 to 120 characters.
    #[schema(example = "Sales", format = "name")]
    name: String,
    /// Permission keys, which the caller must hold; implied permissions are added.
    #[serde(default)]
    #[schema(value_type = Vec<PermissionKeyBody>, example = json!(["crm:write"]))]
    permissions: Vec<String>,
}

/// A JSON Merge Patch (RFC 7396): absent members are kept. `version` is required.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RolePatch)]
pub(crate) struct PatchBody {
    /// The version as last read.
    #[schema(example = 1)]
    version: i64,
    /// 1 to 120 characters.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = String, required = false, example = "Sales", format = "name")]
    name: Change<String>,
}

/// List the tenant's roles
///
/// The tenant's own roles, newest first, then the system roles.
#[utoipa::path(
    get,
    path = "/roles",
    operation_id = "listRoles",
    tag = tags::ROLES,
    security(("bearer" = [RolesRead::PERMISSION])),
    params(PageQuery),
    responses((status = 200, description = "A page of roles", body = PageBody<RoleBody>)),
    extensions(("x-problems" = json!([Code::InvalidCursor]))),
)]
pub(crate) async fn list(
    allow: Allow<RolesRead>,
    state: web::Data<State>,
    listing: Listing,
) -> Result<web::Json<PageBody<RoleBody>>, Problem> {
    state.list(allow, ListKind::Roles, &listing.page, async |permit, tx, page| roles(permit, tx, page).await).await
}

/// Create a role
///
/// The caller must hold all permissions of the role. A tenant can have at most 100 roles of its own.
#[utoipa::path(
    post,
    path = "/roles",
    operation_id = "createRole",
    tag = tags::ROLES,
    security(("bearer" = [RolesWrite::PERMISSION])),
    params(IdempotencyHeader),
    request_body = CreateBody,
    responses((status = 201, description = "Created", body = RoleBody)),
    extensions(("x-problems" = json!([Code::CannotGrant, Code::RoleKeyTaken, Code::RoleNameTaken, Code::TooManyRoles]))),
)]
pub(crate) async fn create(
    allow: Allow<RolesWrite>,
    state: web::Data<State>,
    body: IdempotentJson<CreateBody>,
) -> Result<HttpResponse, Problem> {
    let (body, guard) = body.into_parts();
    let new = body.check()?;
    let origin = allow.origin();
    guard
        .create(&state, allow, async |permit, tx| {
            create_role(permit, tx, new, origin, &*state.clock).await.map(RoleBody::from)
        })
        .await
}

/// Read a role
#[utoipa::path(
    get,
    path = "/roles/{id}",
    operation_id = "readRole",
    tag = tags::ROLES,
    security(("bearer" = [RolesRead::PERMISSION])),
    params(("id" = Uuid, Path, description = "The role's id")),
    responses((status = 200, description = "The role", body = RoleBody)),
    extensions(("x-problems" = json!([Code::NotFound]))),
)]
pub(crate) async fn read(
    allow: Allow<RolesRead>,
    state: web::Data<State>,
    PathId(id): PathId<RoleId>,
) -> Result<web::Json<RoleBody>, Problem> {
    let role =
        state.in_tenant(allow, async |permit, tx| role(permit, tx, id).await).await?.ok_or_else(Problem::not_found)?;
    Ok(web::Json(role.into()))
}

/// Rename a role
///
/// A JSON Merge Patch. System roles cannot be changed. The caller must hold all permissions of the role.
#[utoipa::path(
    patch,
    path = "/roles/{id}",
    operation_id = "changeRole",
    tag = tags::ROLES,
    security(("bearer" = [RolesWrite::PERMISSION])),
    params(("id" = Uuid, Path, description = "The role's id")),
    request_body(content((PatchBody = "application/merge-patch+json"), (PatchBody = "application/json"))),
    responses((status = 200, description = "The changed resource", body = RoleBody)),
    extensions(("x-problems" = json!([Code::NotFound, Code::CannotGrant, Code::SystemRole, Code::RoleNameTaken, Code::StaleVersion]))),
)]
pub(crate) async fn change(
    allow: Allow<RolesWrite>,
    state: web::Data<State>,
    PathId(id): PathId<RoleId>,
    body: Json<PatchBody>,
) -> Result<web::Json<RoleBody>, Problem> {
    let patch = body.into_inner().check()?;
    let origin = allow.origin();
    let found = state
        .in_tenant(allow, async |permit, tx| change_role(permit, tx, id, patch, origin, &*state.clock).await)
        .await?;
    Ok(web::Json(found.into()))
}

/// Delete a role
///
/// No user may hold the role. System roles cannot be deleted. The caller must hold all permissions of the role.
#[utoipa::path(
    delete,
    path = "/roles/{id}",
    operation_id = "deleteRole",
    tag = tags::ROLES,
    security(("bearer" = [RolesWrite::PERMISSION])),
    params(("id" = Uuid, Path, description = "The role's id")),
    responses((status = 204, description = "Deleted")),
    extensions(("x-problems" = json!([Code::NotFound, Code::CannotGrant, Code::SystemRole, Code::RoleInUse]))),
)]
pub(crate) async fn delete(
    allow: Allow<RolesWrite>,
    state: web::Data<State>,
    PathId(id): PathId<RoleId>,
) -> Result<HttpResponse, Problem> {
    let origin = allow.origin();
    state.in_tenant(allow, async |permit, tx| delete_role(permit, tx, id, origin, &*state.clock).await).await?;
    Ok(HttpResponse::NoContent().finish())
}

impl CreateBody {
    fn check(self) -> Result<NewRole, Problem> {
        let mut validation = Validation::default();
        let key = validation.field("/key", RoleKey::parse(&self.key));
        let name = validation.field("/name", RoleName::parse(&self.name));
        let permissions = permissions(&mut validation, &self.permissions);
        match key.zip(name) {
            Some((key, name)) if validation.is_valid() => Ok(NewRole { key, name, permissions }),
            _ => Err(validation.into_problem()),
        }
    }
}

impl PatchBody {
    fn check(self) -> Result<RolePatch, Problem> {
        let mut validation = Validation::default();
        let name = validation.replacement("/name", self.name, |name| RoleName::parse(&name));
        if validation.is_valid() {
            Ok(RolePatch { version: self.version, name, permissions: None })
        } else {
            Err(validation.into_problem())
        }
    }
}

fn taken(code: Code, pointer: &str) -> Problem {
    Problem::new(code).with_errors(vec![FieldError::in_body(pointer, "taken", "is used by another role")])
}

impl From<CreateRoleError> for Problem {
    fn from(error: CreateRoleError) -> Self {
        match error {
            CreateRoleError::KeyTaken => taken(Code::RoleKeyTaken, "/key"),
            CreateRoleError::NameTaken => taken(Code::RoleNameTaken, "/name"),
            CreateRoleError::TooMany => Self::new(Code::TooManyRoles),
            CreateRoleError::Authority(error) => authority_problem::<RolesWrite>(error),
        }
    }
}

impl From<ChangeRoleError> for Problem {
    fn from(error: ChangeRoleError) -> Self {
        match error {
            ChangeRoleError::Unknown => Self::not_found(),
            ChangeRoleError::System => Self::new(Code::SystemRole),
            ChangeRoleError::NameTaken => taken(Code::RoleNameTaken, "/name"),
            ChangeRoleError::Stale => Self::new(Code::StaleVersion),
            ChangeRoleError::Authority(error) => authority_problem::<RolesWrite>(error),
        }
    }
}

impl From<DeleteRoleError> for Problem {
    fn from(error: DeleteRoleError) -> Self {
        match error {
            DeleteRoleError::Unknown => Self::not_found(),
            DeleteRoleError::System => Self::new(Code::SystemRole),
            DeleteRoleError::InUse => Self::new(Code::RoleInUse),
            DeleteRoleError::Authority(error) => authority_problem::<RolesWrite>(error),
        }
    }
}
