use actix_web::{HttpResponse, web};
use flows::{
    ChangeUserError, ChangedUser, CreateUser, CreateUserError, Member, UserPatch, change_user, create_user,
    delete_user, prepare_user, user, users,
};
use iam::{Email, UserName, UserStatus};
use kernel::ids::UserId;
use kernel::{Change, Grant as _, UsersRead, UsersWrite};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::bodies::{StatusBody, UserBody};
use super::new_password::{check_new_password, personal_words, weak_password};
use super::register::email_taken;
use crate::auth::Allow;
use crate::cursor::ListKind;
use crate::extract::{Flag, Json, Listing, PageQuery, PathId, Query, member};
use crate::idempotency::{IdempotencyHeader, IdempotentJson};
use crate::page::PageBody;
use crate::problem::{Code, Problem};
use crate::rbac::authority::authority_problem;
use crate::state::State;
use crate::tags;
use crate::tokens::api_keys::ApiKeyBody;
use crate::validation::Validation;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CreateUser)]
pub(crate) struct CreateBody {
    #[schema(example = "grace@acme.example", format = "email")]
    email: String,
    /// 8 to 256 characters; the user should change it after the first login.
    #[schema(example = "correct horse battery", format = "new-password", write_only)]
    password: String,
    /// Up to 120 characters.
    #[schema(example = "Grace Hopper", format = "person-name")]
    name: Option<String>,
}

/// A JSON Merge Patch (RFC 7396): absent members are kept.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UserPatch)]
pub(crate) struct PatchBody {
    /// Up to 120 characters; null clears it.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = Option<String>, example = "Grace Hopper", format = "person-name")]
    name: Change<String>,
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = StatusBody, required = false)]
    status: Change<StatusBody>,
    /// Also revokes the API keys that the user made. The caller must hold their permissions.
    #[serde(default)]
    #[schema(required = false, default = false)]
    revoke_api_keys: bool,
}

/// The changed user, and the API keys that the user made and that can still be used.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChangedUser)]
pub(crate) struct ChangedBody {
    #[serde(flatten)]
    user: UserBody,
    active_api_keys: Vec<ApiKeyBody>,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeleteQuery {
    /// Also revokes the API keys that the user made. The caller must hold their permissions.
    #[param(value_type = Option<bool>, default = false)]
    revoke_api_keys: Option<Flag>,
}

/// List the tenant's users
///
/// Newest first.
#[utoipa::path(
    get,
    path = "/users",
    operation_id = "listUsers",
    tag = tags::USERS,
    security(("bearer" = [UsersRead::PERMISSION])),
    params(PageQuery),
    responses((status = 200, description = "A page of users", body = PageBody<UserBody>)),
    extensions(("x-problems" = json!([Code::InvalidCursor]))),
)]
pub(crate) async fn list(
    allow: Allow<UsersRead>,
    state: web::Data<State>,
    listing: Listing,
) -> Result<web::Json<PageBody<UserBody>>, Problem> {
    state.list(allow, ListKind::Users, &listing.page, async |permit, tx, page| users(permit, tx, page).await).await
}

/// Create a user
///
/// The user has no role yet.
#[utoipa::path(
    post,
    path = "/users",
    operation_id = "createUser",
    tag = tags::USERS,
    security(("bearer" = [UsersWrite::PERMISSION])),
    params(IdempotencyHeader),
    request_body = CreateBody,
    responses((status = 201, description = "Created", body = UserBody)),
    extensions(("x-problems" = json!([Code::EmailTaken, Code::WeakPassword, Code::Busy]))),
)]
pub(crate) async fn create(
    allow: Allow<UsersWrite>,
    state: web::Data<State>,
    body: IdempotentJson<CreateBody>,
) -> Result<HttpResponse, Problem> {
    let (body, guard) = body.into_parts();
    let input = body.check()?;
    if let Some(response) = guard.replay(&state, &allow).await? {
        return Ok(response);
    }
    let user = prepare_user(allow.permit_ref(), &state.auth, input).await?;
    let origin = allow.origin();
    guard
        .create(&state, allow, async |permit, tx| {
            create_user(permit, tx, user, origin, &*state.clock).await.map(UserBody::from)
        })
        .await
}

/// Read a user
#[utoipa::path(
    get,
    path = "/users/{id}",
    operation_id = "readUser",
    tag = tags::USERS,
    security(("bearer" = [UsersRead::PERMISSION])),
    params(("id" = Uuid, Path, description = "The user's id")),
    responses((status = 200, description = "The user", body = UserBody)),
    extensions(("x-problems" = json!([Code::NotFound]))),
)]
pub(crate) async fn read(
    allow: Allow<UsersRead>,
    state: web::Data<State>,
    PathId(id): PathId<UserId>,
) -> Result<web::Json<UserBody>, Problem> {
    let member =
        state.in_tenant(allow, async |permit, tx| user(permit, tx, id).await).await?.ok_or_else(Problem::not_found)?;
    Ok(web::Json(member.into()))
}

/// Rename, suspend or reactivate a user
///
/// A JSON Merge Patch. Suspending a user ends their sessions at once; reactivating does not restore them. The API keys that the
/// user made belong to the tenant and stay valid: the answer lists them, and `revoke_api_keys` ends them. The caller must hold all
/// permissions that the user holds, and a tenant must keep at least one active owner.
#[utoipa::path(
    patch,
    path = "/users/{id}",
    operation_id = "changeUser",
    tag = tags::USERS,
    security(("bearer" = [UsersWrite::PERMISSION])),
    params(("id" = Uuid, Path, description = "The user's id")),
    request_body(content((PatchBody = "application/merge-patch+json"), (PatchBody = "application/json"))),
    responses((status = 200, description = "The changed user", body = ChangedBody)),
    extensions(("x-problems" = json!([Code::NotFound, Code::CannotGrant, Code::OutranksYou, Code::LastOwner]))),
)]
pub(crate) async fn change(
    allow: Allow<UsersWrite>,
    state: web::Data<State>,
    PathId(id): PathId<UserId>,
    body: Json<PatchBody>,
) -> Result<web::Json<ChangedBody>, Problem> {
    let patch = body.into_inner().check()?;
    let origin = allow.origin();
    let ChangedUser { member, active_api_keys } = state
        .in_tenant(allow, async |permit, tx| change_user(permit, tx, id, patch, origin, &*state.clock).await)
        .await?;
    let now = state.clock.now();
    let active_api_keys = active_api_keys.iter().map(|key| ApiKeyBody::new(key, now)).collect();
    Ok(web::Json(ChangedBody { user: member.into(), active_api_keys }))
}

/// Delete a user
///
/// The user's notes and actions are kept, without their name; their conversations become unassigned. The API keys that the user
/// made belong to the tenant and stay valid, unless `revoke_api_keys` ends them; `GET /users/{id}/api-keys` lists them before.
#[utoipa::path(
    delete,
    path = "/users/{id}",
    operation_id = "deleteUser",
    tag = tags::USERS,
    security(("bearer" = [UsersWrite::PERMISSION])),
    params(("id" = Uuid, Path, description = "The user's id"), DeleteQuery),
    responses((status = 204, description = "Deleted")),
    extensions(("x-problems" = json!([Code::NotFound, Code::CannotGrant, Code::OutranksYou, Code::LastOwner]))),
)]
pub(crate) async fn delete(
    allow: Allow<UsersWrite>,
    state: web::Data<State>,
    PathId(id): PathId<UserId>,
    query: Query<DeleteQuery>,
) -> Result<HttpResponse, Problem> {
    let origin = allow.origin();
    let revokes = query.0.revoke_api_keys == Some(Flag::True);
    state
        .in_tenant(allow, async |permit, tx| delete_user(permit, tx, id, revokes, origin, &*state.clock).await)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

impl CreateBody {
    fn check(self) -> Result<CreateUser, Problem> {
        let mut validation = Validation::default();
        let email = validation.field("/email", Email::parse(&self.email));
        let name = validation.field("/name", UserName::parse(self.name.as_deref().unwrap_or_default()));
        let personal_words = personal_words(&self.email);
        let ((email, name), password) =
            check_new_password(validation, email.zip(name), "/password", &self.password, &personal_words)?;
        Ok(CreateUser { email, name, password })
    }
}

impl PatchBody {
    fn check(self) -> Result<UserPatch, Problem> {
        let mut validation = Validation::default();
        let name = match validation.change("/name", self.name, |name| UserName::parse(&name)) {
            Change::Keep => None,
            Change::Clear => Some(UserName::default()),
            Change::Set(name) => Some(name),
        };
        let status = validation
            .replacement("/status", self.status, |status| Ok::<_, std::convert::Infallible>(UserStatus::from(status)));
        if validation.is_valid() {
            Ok(UserPatch { name, status, revokes_api_keys: self.revoke_api_keys })
        } else {
            Err(validation.into_problem())
        }
    }
}

impl From<Member> for UserBody {
    fn from(Member { user, roles }: Member) -> Self {
        Self::new(&user, &roles)
    }
}

impl From<CreateUserError> for Problem {
    fn from(error: CreateUserError) -> Self {
        match error {
            CreateUserError::EmailTaken => email_taken(),
            CreateUserError::WeakPassword(reason) => weak_password("/password", reason),
            CreateUserError::Hash(error) => error.into(),
            CreateUserError::Store(error) => error.into(),
        }
    }
}

impl From<ChangeUserError> for Problem {
    fn from(error: ChangeUserError) -> Self {
        match error {
            ChangeUserError::Unknown => Self::not_found(),
            ChangeUserError::Authority(error) => authority_problem::<UsersWrite>(error),
        }
    }
}
