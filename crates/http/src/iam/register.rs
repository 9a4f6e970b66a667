use actix_web::http::StatusCode;
use actix_web::web;
use audit::RequestOrigin;
use flows::{Register, RegisterError, register as register_user};
use iam::{Email, TenantReference, UserName};
use serde::Deserialize;
use tokens::SessionClient;
use utoipa::ToSchema;

use super::auth_attempt::{AuthAttemptError, run_auth_attempt};
use super::bodies::LoggedInBody;
use super::new_password::{check_new_password, personal_words, weak_password};
use crate::auth::{BEARER_CHALLENGE, Public, challenge};
use crate::extract::{ClientInfo, Json, OriginOfRequest, TenantHeader};
use crate::problem::{Code, FieldError, Problem};
use crate::state::State;
use crate::tags;
use crate::validation::Validation;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Register)]
pub(crate) struct RegisterBody {
    #[schema(example = "grace@acme.example", format = "email")]
    email: String,
    /// 8 to 256 characters.
    #[schema(example = "correct horse battery", format = "new-password")]
    password: String,
    /// Up to 120 characters.
    #[schema(example = "Grace Hopper", format = "person-name")]
    name: Option<String>,
}

/// Register in a tenant
///
/// The new user is logged in and has no role: until an administrator assigns one, the user can only read their own
/// account. An unknown or suspended tenant gets the same response as wrong credentials.
#[utoipa::path(
    post,
    path = "/auth/register",
    operation_id = "register",
    tag = tags::AUTH,
    params(("X-Tenant-ID" = String, Header, format = "tenant-reference", description = "The tenant's id or slug", example = "acme-trading")),
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
    OriginOfRequest(origin): OriginOfRequest,
    state: web::Data<State>,
    body: Json<RegisterBody>,
) -> Result<(web::Json<LoggedInBody>, StatusCode), Problem> {
    if !state.registration_open {
        return Err(Problem::new(Code::RegistrationClosed).with_detail("Registration is closed in this deployment."));
    }
    let input = body.into_inner().check(tenant.0, client, origin)?;
    state.limits.count_registration(input.client.address)?;
    let auth = state.auth.clone();
    let logged_in = run_auth_attempt(&state, "register", async move { register_user(&auth, input).await }).await?;
    Ok((web::Json(logged_in.into()), StatusCode::CREATED))
}

impl RegisterBody {
    fn check(self, tenant: TenantReference, client: SessionClient, origin: RequestOrigin) -> Result<Register, Problem> {
        let mut validation = Validation::default();
        let email = validation.field("/email", Email::parse(&self.email));
        let name = validation.field("/name", UserName::parse(self.name.as_deref().unwrap_or_default()));
        let personal_words = personal_words(&self.email);
        let ((email, name), password) =
            check_new_password(validation, email.zip(name), "/password", &self.password, &personal_words)?;
        Ok(Register { tenant, email, password, name, client, origin })
    }
}

impl AuthAttemptError for RegisterError {
    fn outcome_label(&self) -> &'static str {
        match self {
            Self::InvalidCredentials => "invalid_credentials",
            Self::SelfRegistrationClosed => "closed",
            Self::EmailTaken => "email_taken",
            Self::WeakPassword(_) => "weak_password",
            Self::RateLimited(_) | Self::TooManyAccounts(_) => "throttled",
            Self::Failed(error) => error.outcome_label(),
        }
    }
}

impl From<RegisterError> for Problem {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::InvalidCredentials => challenge(Code::InvalidCredentials, BEARER_CHALLENGE),
            RegisterError::SelfRegistrationClosed => Self::new(Code::RegistrationClosed),
            RegisterError::EmailTaken => email_taken(),
            RegisterError::WeakPassword(reason) => weak_password("/password", reason),
            RegisterError::RateLimited(refusal) => refusal.into(),
            RegisterError::TooManyAccounts(refusal) => refusal.into(),
            RegisterError::Failed(error) => error.into(),
        }
    }
}

pub(super) fn email_taken() -> Problem {
    let field = FieldError::in_body("/email", "taken", "is used by another user");
    Problem::new(Code::EmailTaken).with_errors(vec![field])
}
