use actix_web::web;
use flows::{Refresh, RefreshError, refresh as exchange};
use serde::Deserialize;
use tokens::RefreshToken;
use utoipa::ToSchema;

use crate::auth::{BEARER_CHALLENGE, Public, challenge};
use crate::extract::{ClientInfo, Json, OptionalTenantHeader, OriginOfRequest};
use crate::iam::auth_attempt::{AuthAttemptError, run_auth_attempt};
use crate::iam::bodies::LoggedInBody;
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Refresh)]
pub(crate) struct RefreshBody {
    /// The newest refresh token of the session.
    #[schema(
        example = "rt1_0190b5a2-7e2f-7000-8000-000000000000.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        pattern = r"^[^\u0000]*$"
    )]
    refresh_token: String,
}

/// Refresh the tokens
///
/// A refresh token can be used once; the response has the next one. Using it again ends the session, because the token
/// may be stolen; except that within 10 seconds the same client (address and user agent) gets the same next token, as
/// long as no token of the first response was used: that response was lost. Of concurrent requests with the same token, one gets the tokens, the others get 409, and the session
/// continues.
#[utoipa::path(
    post,
    path = "/auth/refresh",
    operation_id = "refresh",
    tag = tags::AUTH,
    request_body = RefreshBody,
    responses((status = 200, description = "The new tokens", body = LoggedInBody)),
    extensions(("x-problems" = json!([
        Code::InvalidTenantId, Code::InvalidRefreshToken, Code::TenantMismatch, Code::RefreshConflict,
        Code::TemporarilyUnavailable,
    ]))),
)]
pub(crate) async fn refresh(
    _public: Public,
    OptionalTenantHeader(tenant): OptionalTenantHeader,
    OriginOfRequest(origin): OriginOfRequest,
    ClientInfo(client): ClientInfo,
    state: web::Data<State>,
    body: Json<RefreshBody>,
) -> Result<web::Json<LoggedInBody>, Problem> {
    let address = origin.address;
    state.limits.check_unknown_callers(address)?;
    // The request has arrived once its body is complete.
    let arrived_at = state.clock.now();
    let RefreshBody { refresh_token } = body.into_inner();
    let auth = state.auth.clone();
    let renew = async move {
        let token = RefreshToken::parse(&refresh_token).map_err(|_| RefreshError::UnknownToken)?;
        exchange(&auth, Refresh { token, tenant, arrived_at, client, origin }).await
    };
    let limited = web::Data::clone(&state);
    let renew = async move {
        let outcome = renew.await;
        if matches!(outcome, Err(RefreshError::UnknownToken)) {
            limited.limits.count_unknown_caller(address);
        }
        outcome
    };
    let logged_in = run_auth_attempt(&state, "refresh", renew).await?;
    Ok(web::Json(logged_in.into()))
}

impl AuthAttemptError for RefreshError {
    fn outcome_label(&self) -> &'static str {
        match self {
            Self::UnknownToken => "invalid_token",
            Self::SessionEnded => "expired",
            Self::Replayed => "reuse",
            Self::Conflict => "conflict",
            Self::TenantMismatch => "tenant_mismatch",
            Self::Failed(error) => error.outcome_label(),
        }
    }
}

impl From<RefreshError> for Problem {
    fn from(error: RefreshError) -> Self {
        match error {
            // The same response for all: a thief must not learn that the theft was detected.
            RefreshError::UnknownToken | RefreshError::SessionEnded => {
                challenge(Code::InvalidRefreshToken, BEARER_CHALLENGE)
            }
            RefreshError::Replayed => challenge(Code::InvalidRefreshToken, BEARER_CHALLENGE).caused_by(error),
            RefreshError::Conflict => Self::new(Code::RefreshConflict),
            RefreshError::TenantMismatch => Self::new(Code::TenantMismatch),
            RefreshError::Failed(error) => error.into(),
        }
    }
}
