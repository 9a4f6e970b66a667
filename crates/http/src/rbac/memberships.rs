use actix_web::{HttpResponse, web};
use flows::{ChangeMembershipError, grant_membership, memberships, revoke_membership, settle};
use kernel::ids::{RoleId, UserId};
use kernel::{Grant as _, RolesRead, RolesWrite};

use super::authority_problem;
use super::bodies::MembershipBody;
use crate::State;
use crate::auth::Allow;
use crate::cursor::{ListId, ListKind};
use crate::extract::{PageQuery, PathId, PathRoleId, Query, page_request};
use crate::openapi::tag;
use crate::page::PageBody;
use crate::problem::{Code, Problem};

/// List a user's roles
///
/// Most recently granted first.
#[utoipa::path(
    get,
    path = "/users/{id}/memberships",
    operation_id = "listMemberships",
    tag = tag::ROLES,
    security(("bearer" = [RolesRead::PERMISSION])),
    params(("id" = Uuid, Path, description = "The user's id"), PageQuery),
    responses((status = 200, description = "A page of roles", body = PageBody<MembershipBody>)),
    extensions(("x-problems" = json!([Code::NotFound, Code::InvalidCursor]))),
)]
pub(crate) async fn list(
    allow: Allow<RolesRead>,
    state: web::Data<State>,
    PathId(user): PathId<UserId>,
    Query(query): Query<PageQuery>,
) -> Result<web::Json<PageBody<MembershipBody>>, Problem> {
    let list = ListId { kind: ListKind::Memberships(user), tenant: allow.scope().tenant() };
    let page = page_request(&state.cursor_key, list, query.limit, query.cursor.as_deref())?;
    let mut tx = state.database.tenant(allow.scope()).await?;
    let outcome = memberships(allow.permit(), &mut *tx, user, &page).await;
    let page = settle(tx, outcome).await?.ok_or_else(|| Problem::new(Code::NotFound))?;
    Ok(web::Json(PageBody::from_page(page, &state.cursor_key, list)))
}

/// Grant a role to a user
///
/// The caller must hold all permissions of the role and of the user. Granting a role that the user already holds
/// changes nothing.
#[utoipa::path(
    put,
    path = "/users/{id}/memberships/{role_id}",
    operation_id = "grantMembership",
    tag = tag::ROLES,
    security(("bearer" = [RolesWrite::PERMISSION])),
    params(
        ("id" = Uuid, Path, description = "The user's id"),
        ("role_id" = Uuid, Path, description = "The role's id"),
    ),
    responses((status = 200, description = "The user holds the role", body = MembershipBody)),
    extensions(("x-problems" = json!([Code::NotFound, Code::CannotGrant, Code::OutranksYou]))),
)]
pub(crate) async fn grant(
    allow: Allow<RolesWrite>,
    state: web::Data<State>,
    PathId(user): PathId<UserId>,
    PathRoleId(role): PathRoleId<RoleId>,
) -> Result<web::Json<MembershipBody>, Problem> {
    let origin = allow.origin();
    let mut tx = state.database.tenant(allow.scope()).await?;
    let outcome = grant_membership(allow.permit(), &mut *tx, user, role, origin, &*state.clock).await;
    Ok(web::Json(settle(tx, outcome).await?.into()))
}

/// Revoke a role from a user
///
/// The caller must hold all permissions of the user. Takes effect on the user's next request. A tenant must keep at
/// least one active owner.
#[utoipa::path(
    delete,
    path = "/users/{id}/memberships/{role_id}",
    operation_id = "revokeMembership",
    tag = tag::ROLES,
    security(("bearer" = [RolesWrite::PERMISSION])),
    params(
        ("id" = Uuid, Path, description = "The user's id"),
        ("role_id" = Uuid, Path, description = "The role's id"),
    ),
    responses((status = 204, description = "Revoked")),
    extensions(("x-problems" = json!([Code::NotFound, Code::OutranksYou, Code::LastOwner]))),
)]
pub(crate) async fn revoke(
    allow: Allow<RolesWrite>,
    state: web::Data<State>,
    PathId(user): PathId<UserId>,
    PathRoleId(role): PathRoleId<RoleId>,
) -> Result<HttpResponse, Problem> {
    let origin = allow.origin();
    let mut tx = state.database.tenant(allow.scope()).await?;
    let outcome = revoke_membership(allow.permit(), &mut *tx, user, role, origin, &*state.clock).await;
    settle(tx, outcome).await?;
    Ok(HttpResponse::NoContent().finish())
}

impl From<ChangeMembershipError> for Problem {
    fn from(error: ChangeMembershipError) -> Self {
        match error {
            ChangeMembershipError::Unknown => Self::new(Code::NotFound),
            ChangeMembershipError::Authority(error) => authority_problem::<RolesWrite>(error),
        }
    }
}
