use actix_web::{HttpResponse, web};
use flows::{ChangeMembershipError, grant_membership, memberships, revoke_membership, settle};
use kernel::ids::{RoleId, UserId};
use kernel::{Grant as _, RolesRead, RolesWrite};

use super::authority_problem;
use super::bodies::MembershipBody;
use crate::http::State;
use crate::http::auth::Allow;
use crate::http::cursor::{List, ListKind};
use crate::http::extract::{PageQuery, PathId, PathRoleId, Query, page_request};
use crate::http::openapi::tag;
use crate::http::page::PageBody;
use crate::http::problem::{Code, Problem};

/// List a user's roles
///
/// The one that was given last comes first.
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
    let list = List { kind: ListKind::Memberships(user), tenant: allow.scope().tenant() };
    let page = page_request(&state.cursor_key, list, query.limit, query.cursor.as_deref())?;
    let mut tx = state.identity.database.tenant(allow.scope()).await?;
    let outcome = memberships(allow.permit(), &mut *tx, user, &page).await;
    let page = settle(tx, outcome).await?.ok_or_else(|| Problem::new(Code::NotFound))?;
    Ok(web::Json(PageBody::of(page, &state.cursor_key, list)))
}

/// Give a user a role
///
/// One that allows nothing beyond what the caller may do, to somebody who may do nothing beyond that. Giving it once more
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
    responses((status = 200, description = "They have it", body = MembershipBody)),
    extensions(("x-problems" = json!([Code::NotFound, Code::CannotGrant, Code::OutranksYou]))),
)]
pub(crate) async fn grant(
    allow: Allow<RolesWrite>,
    state: web::Data<State>,
    PathId(user): PathId<UserId>,
    PathRoleId(role): PathRoleId<RoleId>,
) -> Result<web::Json<MembershipBody>, Problem> {
    let origin = allow.origin();
    let mut tx = state.identity.database.tenant(allow.scope()).await?;
    let outcome = grant_membership(allow.permit(), &mut *tx, user, role, origin, &*state.identity.clock).await;
    Ok(web::Json(settle(tx, outcome).await?.into()))
}

/// Take a role from a user
///
/// From somebody who may do nothing that the caller may not. It works on their next request. A tenant keeps at least one active
/// owner.
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
    responses((status = 204, description = "Taken")),
    extensions(("x-problems" = json!([Code::NotFound, Code::OutranksYou, Code::LastOwner]))),
)]
pub(crate) async fn revoke(
    allow: Allow<RolesWrite>,
    state: web::Data<State>,
    PathId(user): PathId<UserId>,
    PathRoleId(role): PathRoleId<RoleId>,
) -> Result<HttpResponse, Problem> {
    let origin = allow.origin();
    let mut tx = state.identity.database.tenant(allow.scope()).await?;
    let outcome = revoke_membership(allow.permit(), &mut *tx, user, role, origin, &*state.identity.clock).await;
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
