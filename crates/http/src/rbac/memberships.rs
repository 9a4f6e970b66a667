use actix_web::{HttpResponse, web};
use flows::{ChangeMembershipError, grant_membership, memberships, revoke_membership};
use kernel::ids::{RoleId, UserId};
use kernel::{Grant as _, RolesRead, RolesWrite};

use super::authority::authority_problem;
use super::bodies::MembershipBody;
use crate::auth::Allow;
use crate::cursor::ListKind;
use crate::extract::{Listing, PageQuery, PathId, PathRoleId};
use crate::page::PageBody;
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;

/// List a user's roles
///
/// Most recently granted first.
#[utoipa::path(
    get,
    path = "/users/{id}/memberships",
    operation_id = "listMemberships",
    tag = tags::ROLES,
    security(("bearer" = [RolesRead::PERMISSION])),
    params(("id" = Uuid, Path, description = "The user's id"), PageQuery),
    responses((status = 200, description = "A page of roles", body = PageBody<MembershipBody>)),
    extensions(("x-problems" = json!([Code::NotFound, Code::InvalidCursor]))),
)]
pub(crate) async fn list(
    allow: Allow<RolesRead>,
    state: web::Data<State>,
    PathId(user): PathId<UserId>,
    listing: Listing,
) -> Result<web::Json<PageBody<MembershipBody>>, Problem> {
    state
        .list(allow, ListKind::Memberships(user), &listing.page, async |permit, tx, page| {
            memberships(permit, tx, user, page).await?.ok_or_else(Problem::not_found)
        })
        .await
}

/// Grant a role to a user
///
/// The caller must hold all permissions of the role and of the user. Granting a role that the user already holds
/// changes nothing.
#[utoipa::path(
    put,
    path = "/users/{id}/memberships/{role_id}",
    operation_id = "grantMembership",
    tag = tags::ROLES,
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
    let found = state
        .in_tenant(allow, async |permit, tx| grant_membership(permit, tx, user, role, origin, &*state.clock).await)
        .await?;
    Ok(web::Json(found.into()))
}

/// Revoke a role from a user
///
/// The caller must hold all permissions of the user. Takes effect on the user's next request. A tenant must keep at
/// least one active owner.
#[utoipa::path(
    delete,
    path = "/users/{id}/memberships/{role_id}",
    operation_id = "revokeMembership",
    tag = tags::ROLES,
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
    state
        .in_tenant(allow, async |permit, tx| revoke_membership(permit, tx, user, role, origin, &*state.clock).await)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

impl From<ChangeMembershipError> for Problem {
    fn from(error: ChangeMembershipError) -> Self {
        match error {
            ChangeMembershipError::Unknown => Self::not_found(),
            ChangeMembershipError::Authority(error) => authority_problem::<RolesWrite>(error),
        }
    }
}
