use actix_web::http::StatusCode;
use actix_web::web;
use audit::Origin;
use flows::{Register, RegisterError, register as register_user};
use iam::{Email, TenantReference, UserName};
use serde::Deserialize;
use tokens::Client;
use utoipa::ToSchema;

use super::attempt::{Refusal, attempt};
use super::bodies::LoggedInBody;
use super::new_password::{personal, weak_password, with_password};
use crate::http::State;
use crate::http::auth::{BEARER, Public, challenge};
use crate::http::extract::{ClientInfo, Json, RequestOrigin, TenantHeader};
use crate::http::openapi::tag;
use crate::http::problem::{Code, FieldError, Problem};
use crate::http::validation::Validation;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Register)]
pub(crate) struct RegisterBody {
    #[schema(example = "grace@acme.example")]
    email: String,
    /// 8 to 256 characters.
    #[schema(example = "correct horse battery", format = Password, min_length = 8, max_length = 256)]
    password: String,
    /// Up to 120 characters.
    #[schema(example = "Grace Hopper")]
    name: Option<String>,
}

/// Register oneself in a tenant
///
/// The new user is logged in at once, and has no role: they see who they are and nothing else until somebody gives them one.
/// An unknown tenant, and a suspended one, are answered like wrong credentials.
#[utoipa::path(
    post,
    path = "/auth/register",
    operation_id = "register",
    tag = tag::AUTH,
    params(("X-Tenant-ID" = String, Header, description = "The tenant's id or slug", example = "acme-trading")),
    request_body = RegisterBody,
    responses((status = 201, description = "Registered and logged in", body = LoggedInBody)),
    extensions(("x-problems" = json!([
        Code::TenantRequired, Code::InvalidTenantId, Code::InvalidCredentials, Code::RegistrationClosed, Code::EmailTaken,
        Code::WeakPassword, Code::TooManyAttempts, Code::Busy, Code::TemporarilyUnavailable,
    ]))),
)]
pub(crate) async fn register(
    _public: Public,
    tenant: TenantHeader,
    ClientInfo(client): ClientInfo,
    RequestOrigin(origin): RequestOrigin,
    state: web::Data<State>,
    body: Json<RegisterBody>,
) -> Result<(web::Json<LoggedInBody>, StatusCode), Problem> {
    let input = body.into_inner().check(tenant.0, client, origin)?;
    let identity = state.identity.clone();
    let logged_in = attempt(&state, "register", async move { register_user(&identity, input).await }).await?;
    Ok((web::Json(logged_in.into()), StatusCode::CREATED))
}

impl RegisterBody {
    fn check(self, tenant: TenantReference, client: Client, origin: Origin) -> Result<Register, Problem> {
        let mut validation = Validation::default();
        let email = validation.field("/email", Email::parse(&self.email));
        let name = validation.field("/name", UserName::parse(self.name.as_deref().unwrap_or_default()));
        let personal = personal(&self.email);
        let ((email, name), password) =
            with_password(validation, email.zip(name), "/password", &self.password, &personal)?;
        Ok(Register { tenant, email, password, name, client, origin })
    }
}

impl Refusal for RegisterError {
    fn label(&self) -> &'static str {
        match self {
            Self::InvalidCredentials => "invalid_credentials",
            Self::Closed => "closed",
            Self::EmailTaken => "email_taken",
            Self::WeakPassword(_) => "weak_password",
            Self::Throttled(_) => "throttled",
            Self::Failed(error) => error.label(),
        }
    }
}

impl From<RegisterError> for Problem {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::InvalidCredentials => challenge(Code::InvalidCredentials, BEARER),
            RegisterError::Closed => Self::new(Code::RegistrationClosed),
            RegisterError::EmailTaken => email_taken(),
            RegisterError::WeakPassword(reason) => weak_password("/password", reason),
            RegisterError::Throttled(throttled) => throttled.into(),
            RegisterError::Failed(error) => error.into(),
        }
    }
}

pub(super) fn email_taken() -> Problem {
    let field = FieldError::at("/email", "taken", "is another user's");
    Problem::new(Code::EmailTaken).with_errors(vec![field])
}
