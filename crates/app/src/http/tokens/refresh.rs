use actix_web::web;
use flows::{Refresh, RefreshError, refresh as exchange};
use serde::Deserialize;
use tokens::RefreshToken;
use utoipa::ToSchema;

use crate::http::State;
use crate::http::auth::{BEARER, Public, challenge};
use crate::http::extract::{Json, NamedTenant, RequestOrigin};
use crate::http::iam::attempt::{Refusal, attempt};
use crate::http::iam::bodies::LoggedInBody;
use crate::http::openapi::tag;
use crate::http::problem::{Code, Problem};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Refresh)]
pub(crate) struct RefreshBody {
    /// The newest one of the session.
    #[schema(example = "rt1_0190b5a2-7e2f-7000-8000-000000000000.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    refresh_token: String,
}

/// Get the next tokens
///
/// A refresh token is used once: the answer has the next one. Whoever shows a used one ends its session, as one of the two who
/// have shown it has stolen it; only where the requests overlapped nothing ends, one gets the tokens and the others a 409.
#[utoipa::path(
    post,
    path = "/auth/refresh",
    operation_id = "refresh",
    tag = tag::AUTH,
    request_body = RefreshBody,
    responses((status = 200, description = "The next tokens", body = LoggedInBody)),
    extensions(("x-problems" = json!([
        Code::InvalidTenantId, Code::InvalidRefreshToken, Code::TenantMismatch, Code::RefreshConflict,
        Code::TemporarilyUnavailable,
    ]))),
)]
pub(crate) async fn refresh(
    _public: Public,
    NamedTenant(tenant): NamedTenant,
    RequestOrigin(origin): RequestOrigin,
    state: web::Data<State>,
    body: Json<RefreshBody>,
) -> Result<web::Json<LoggedInBody>, Problem> {
    // A request has arrived when it is here as a whole.
    let arrived_at = state.identity.clock.now();
    let RefreshBody { refresh_token } = body.into_inner();
    let identity = state.identity.clone();
    let renew = async move {
        let token = RefreshToken::parse(&refresh_token).map_err(|_| RefreshError::Unknown)?;
        exchange(&identity, Refresh { token, tenant, arrived_at, origin }).await
    };
    let logged_in = attempt(&state, "refresh", renew).await?;
    Ok(web::Json(logged_in.into()))
}

impl Refusal for RefreshError {
    fn label(&self) -> &'static str {
        match self {
            Self::Unknown => "invalid_token",
            Self::Over => "expired",
            Self::Reused => "reuse",
            Self::Conflict => "conflict",
            Self::TenantMismatch => "tenant_mismatch",
            Self::Failed(error) => error.label(),
        }
    }
}

impl From<RefreshError> for Problem {
    fn from(error: RefreshError) -> Self {
        match error {
            // One answer: whoever stole a token does not learn that it was noticed.
            RefreshError::Unknown | RefreshError::Over => challenge(Code::InvalidRefreshToken, BEARER),
            RefreshError::Reused => challenge(Code::InvalidRefreshToken, BEARER).caused_by(error),
            RefreshError::Conflict => Self::new(Code::RefreshConflict),
            RefreshError::TenantMismatch => Self::new(Code::TenantMismatch),
            RefreshError::Failed(error) => error.into(),
        }
    }
}
