use actix_web::web;
use flows::{LogIn, LogInError, log_in};
use iam::{Email, Password};
use serde::Deserialize;
use utoipa::ToSchema;

use super::auth_attempt::{AuthAttemptError, run_auth_attempt};
use super::bodies::LoggedInBody;
use crate::auth::{BEARER_CHALLENGE, Public, challenge};
use crate::extract::{ClientInfo, Json, OriginOfRequest, TenantHeader};
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LogIn)]
pub(crate) struct LoginBody {
    #[schema(example = "ada@acme.example", pattern = r"^[^\u0000]*$")]
    email: String,
    #[schema(example = "correct horse battery", format = Password, pattern = r"^[^\u0000]*$")]
    password: String,
}

/// Log in
///
/// A wrong password, an unknown user or tenant, and a suspended one get the same response. Rate limits: five failed
/// attempts per account and address in five minutes; thirty failed attempts per address in ten minutes.
#[utoipa::path(
    post,
    path = "/auth/login",
    operation_id = "login",
    tag = tags::AUTH,
    params(("X-Tenant-ID" = String, Header, format = "tenant-reference", description = "The tenant's id or slug", example = "acme-trading")),
    request_body = LoginBody,
    responses((status = 200, description = "Logged in", body = LoggedInBody)),
    extensions(("x-problems" = json!([
        Code::TenantRequired, Code::InvalidTenantId, Code::InvalidCredentials, Code::TooManyAttempts, Code::Busy,
        Code::TemporarilyUnavailable,
    ]))),
)]
pub(crate) async fn login(
    _public: Public,
    tenant: TenantHeader,
    ClientInfo(client): ClientInfo,
    OriginOfRequest(origin): OriginOfRequest,
    state: web::Data<State>,
    body: Json<LoginBody>,
) -> Result<web::Json<LoggedInBody>, Problem> {
    let LoginBody { email, password } = body.into_inner();
    // A malformed address or password takes the same time as a wrong one.
    let email = Email::parse(&email).unwrap_or_else(|_| Email::placeholder());
    let password = Password::for_login(&password).unwrap_or_else(|_| Password::placeholder());
    let input = LogIn { tenant: tenant.0, email, password, client, origin };
    let auth = state.auth.clone();
    let logged_in = run_auth_attempt(&state, "login", async move { log_in(&auth, input).await }).await?;
    Ok(web::Json(logged_in.into()))
}

impl AuthAttemptError for LogInError {
    fn outcome_label(&self) -> &'static str {
        match self {
            Self::InvalidCredentials => "invalid_credentials",
            Self::RateLimited(_) => "throttled",
            Self::Failed(error) => error.outcome_label(),
        }
    }
}

impl From<LogInError> for Problem {
    fn from(error: LogInError) -> Self {
        match error {
            LogInError::InvalidCredentials => challenge(Code::InvalidCredentials, BEARER_CHALLENGE),
            LogInError::RateLimited(refusal) => refusal.into(),
            LogInError::Failed(error) => error.into(),
        }
    }
}
