use actix_web::{HttpResponse, web};
use flows::{LogOut, log_out as end, settle};
use kernel::TenantScope;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::State;
use crate::http::auth::Authenticated;
use crate::http::extract::{MaybeJson, RequestOrigin};
use crate::http::openapi::tag;
use crate::http::problem::Problem;

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LogOut)]
pub(crate) struct LogoutBody {
    #[serde(default)]
    scope: ScopeBody,
}

/// Which of one's sessions end: the one that asks, all but that one, or all.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[schema(as = LogOutScope)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ScopeBody {
    #[default]
    This,
    Others,
    All,
}

/// Log out
///
/// Access and refresh tokens of the sessions that end are refused from the next request on, everywhere. Without a body it is
/// this session.
#[utoipa::path(
    post,
    path = "/auth/logout",
    operation_id = "logout",
    tag = tag::AUTH,
    security(("bearer" = [])),
    request_body = Option<LogoutBody>,
    responses((status = 204, description = "Logged out")),
)]
pub(crate) async fn log_out(
    Authenticated(access): Authenticated,
    RequestOrigin(origin): RequestOrigin,
    state: web::Data<State>,
    MaybeJson(body): MaybeJson<LogoutBody>,
) -> Result<HttpResponse, Problem> {
    let identity = &state.identity;
    #[expect(clippy::disallowed_methods, reason = "the caller's access token names the tenant, and was verified")]
    let mut tx = identity.database.tenant(&TenantScope::mint(access.tenant.id)).await?;
    let outcome = end(&access, &mut *tx, body.scope.into(), origin, &*identity.clock).await;
    settle(tx, outcome).await?;
    Ok(HttpResponse::NoContent().finish())
}

impl From<ScopeBody> for LogOut {
    fn from(scope: ScopeBody) -> Self {
        match scope {
            ScopeBody::This => Self::This,
            ScopeBody::Others => Self::Others,
            ScopeBody::All => Self::All,
        }
    }
}
