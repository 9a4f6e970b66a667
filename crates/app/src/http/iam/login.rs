use actix_web::web;
use flows::{LogIn, LogInError, log_in};
use iam::{Email, Password};
use serde::Deserialize;
use utoipa::ToSchema;

use super::attempt::{Refusal, attempt};
use super::bodies::LoggedInBody;
use crate::http::State;
use crate::http::auth::{BEARER, Public, challenge};
use crate::http::extract::{ClientInfo, Json, RequestOrigin, TenantHeader};
use crate::http::openapi::tag;
use crate::http::problem::{Code, Problem};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LogIn)]
pub(crate) struct LoginBody {
    #[schema(example = "ada@acme.example")]
    email: String,
    #[schema(example = "correct horse battery", format = Password)]
    password: String,
}

/// Log in
///
/// Wrong passwords, unknown users and tenants, and suspended ones are all answered alike. After five wrong tries for one
/// account from one address within five minutes, the next ones have to wait; an address may fail thirty times in ten minutes.
#[utoipa::path(
    post,
    path = "/auth/login",
    operation_id = "login",
    tag = tag::AUTH,
    params(("X-Tenant-ID" = String, Header, description = "The tenant's id or slug", example = "acme-trading")),
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
    RequestOrigin(origin): RequestOrigin,
    state: web::Data<State>,
    body: Json<LoginBody>,
) -> Result<web::Json<LoggedInBody>, Problem> {
    let LoginBody { email, password } = body.into_inner();
    // What cannot be an address or a password is refused by the same work as one that is wrong.
    let email = Email::parse(&email).unwrap_or_else(|_| Email::of_nobody());
    let password = Password::attempt(&password).unwrap_or_else(|_| Password::of_nobody());
    let input = LogIn { tenant: tenant.0, email, password, client, origin };
    let identity = state.identity.clone();
    let logged_in = attempt(&state, "login", async move { log_in(&identity, input).await }).await?;
    Ok(web::Json(logged_in.into()))
}

impl Refusal for LogInError {
    fn label(&self) -> &'static str {
        match self {
            Self::InvalidCredentials => "invalid_credentials",
            Self::Throttled(_) => "throttled",
            Self::Failed(error) => error.label(),
        }
    }
}

impl From<LogInError> for Problem {
    fn from(error: LogInError) -> Self {
        match error {
            LogInError::InvalidCredentials => challenge(Code::InvalidCredentials, BEARER),
            LogInError::Throttled(throttled) => throttled.into(),
            LogInError::Failed(error) => error.into(),
        }
    }
}
