use actix_web::{HttpResponse, web};
use flows::{LogOut, log_out as log_out_sessions};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::auth::Authenticated;
use crate::extract::{MaybeJson, OriginOfRequest};
use crate::problem::Problem;
use crate::state::State;
use crate::tags;

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LogOut)]
pub(crate) struct LogoutBody {
    #[serde(default)]
    scope: ScopeBody,
}

/// The sessions to end: this one, all others, or all.
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
/// Access and refresh tokens of the ended sessions are refused from the next request on. Without a body, ends this
/// session.
#[utoipa::path(
    post,
    path = "/auth/logout",
    operation_id = "logout",
    tag = tags::AUTH,
    security(("bearer" = [])),
    request_body = Option<LogoutBody>,
    responses((status = 204, description = "Logged out")),
)]
pub(crate) async fn log_out(
    Authenticated { access, scope }: Authenticated,
    OriginOfRequest(origin): OriginOfRequest,
    state: web::Data<State>,
    MaybeJson(body): MaybeJson<LogoutBody>,
) -> Result<HttpResponse, Problem> {
    let sessions = body.scope.into();
    state.in_scope(&scope, async |tx| log_out_sessions(&access, tx, sessions, origin, &*state.clock).await).await?;
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
