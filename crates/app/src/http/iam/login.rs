use actix_web::web;
use flows::{LogIn, LogInError, log_in};
use iam::{Email, Password};
use metrics::counter;
use serde::Deserialize;
use utoipa::ToSchema;

use super::bodies::LoggedInBody;
use super::tokens_error::outcome;
use crate::http::State;
use crate::http::auth::{BEARER, Public, challenge};
use crate::http::extract::{ClientInfo, Json, TenantHeader};
use crate::http::openapi::tag;
use crate::http::problem::{Code, Problem};
use crate::telemetry::metrics::AUTH_ATTEMPTS;

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
/// Wrong passwords, unknown users and tenants, and suspended ones are all answered alike.
#[utoipa::path(
    post,
    path = "/auth/login",
    operation_id = "login",
    tag = tag::AUTH,
    params(("X-Tenant-ID" = String, Header, description = "The tenant's id or slug", example = "acme-trading")),
    request_body = LoginBody,
    responses((status = 200, description = "Logged in", body = LoggedInBody)),
    extensions(("x-problems" = json!([
        Code::TenantRequired, Code::InvalidTenantId, Code::InvalidCredentials, Code::Busy, Code::TemporarilyUnavailable,
    ]))),
)]
pub(crate) async fn login(
    _public: Public,
    tenant: TenantHeader,
    ClientInfo(client): ClientInfo,
    state: web::Data<State>,
    body: Json<LoginBody>,
) -> Result<web::Json<LoggedInBody>, Problem> {
    let LoginBody { email, password } = body.into_inner();
    // What cannot be an address or a password is refused by the same work as one that is wrong.
    let email = Email::parse(&email).unwrap_or_else(|_| Email::of_nobody());
    let password = Password::attempt(&password).unwrap_or_else(|_| Password::of_nobody());
    let outcome = log_in(&state.identity, LogIn { tenant: tenant.0, email, password, client }).await;
    count(&outcome);
    Ok(web::Json(outcome?.into()))
}

fn count<T>(outcome: &Result<T, LogInError>) {
    let label = match outcome {
        Ok(_) => "ok",
        Err(LogInError::InvalidCredentials) => "invalid_credentials",
        Err(LogInError::Failed(error)) => self::outcome(error),
    };
    counter!(AUTH_ATTEMPTS, "action" => "login", "outcome" => label).increment(1);
}

impl From<LogInError> for Problem {
    fn from(error: LogInError) -> Self {
        match error {
            LogInError::InvalidCredentials => challenge(Code::InvalidCredentials, BEARER),
            LogInError::Failed(error) => error.into(),
        }
    }
}
