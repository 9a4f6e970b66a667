use actix_web::http::StatusCode;
use actix_web::web;
use audit::RequestOrigin;
use flows::{SignUp, SignUpError, sign_up};
use iam::{Email, Slug, TenantName, UserName};
use serde::Deserialize;
use tokens::SessionClient;
use utoipa::ToSchema;

use super::auth_attempt::{AuthAttemptError, run_auth_attempt};
use super::bodies::LoggedInBody;
use super::new_password::{check_new_password, personal_words};
use crate::auth::Public;
use crate::extract::{ClientInfo, Json, OriginOfRequest};
use crate::problem::{Code, FieldError, Problem};
use crate::state::State;
use crate::tags;
use crate::validation::Validation;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SignUp)]
pub(crate) struct SignupBody {
    /// 1 to 120 characters.
    #[schema(example = "Acme Trading", format = "name")]
    tenant_name: String,
    /// 3 to 63 lower-case letters, digits and single hyphens; derived from the name if absent.
    #[schema(example = "acme-trading", format = "slug")]
    slug: Option<String>,
    #[schema(example = "ada@acme.example", format = "email")]
    email: String,
    /// 8 to 256 characters.
    #[schema(example = "correct horse battery", format = "new-password")]
    password: String,
    /// The user's name; up to 120 characters.
    #[schema(example = "Ada Lovelace", format = "person-name")]
    name: Option<String>,
}

/// Sign up
///
/// Creates a tenant with its system roles and its first user, who is the owner and is logged in.
#[utoipa::path(
    post,
    path = "/auth/signup",
    operation_id = "signUp",
    tag = tags::AUTH,
    request_body = SignupBody,
    responses((status = 201, description = "The tenant was created", body = LoggedInBody)),
    extensions(("x-problems" = json!([
        Code::SignupClosed, Code::SlugTaken, Code::WeakPassword, Code::Busy, Code::TemporarilyUnavailable,
    ]))),
)]
pub(crate) async fn signup(
    _public: Public,
    ClientInfo(client): ClientInfo,
    OriginOfRequest(origin): OriginOfRequest,
    state: web::Data<State>,
    body: Json<SignupBody>,
) -> Result<(web::Json<LoggedInBody>, StatusCode), Problem> {
    if !state.signup_open {
        return Err(Problem::new(Code::SignupClosed));
    }
    let input = body.into_inner().check(client, origin)?;
    state.limits.count_signup(input.client.address)?;
    let auth = state.auth.clone();
    let signed_up = run_auth_attempt(&state, "signup", async move { sign_up(&auth, input).await }).await?;
    Ok((web::Json(signed_up.into()), StatusCode::CREATED))
}

impl SignupBody {
    fn check(self, client: SessionClient, origin: RequestOrigin) -> Result<SignUp, Problem> {
        let mut validation = Validation::default();
        let tenant_name = validation.field("/tenant_name", TenantName::parse(&self.tenant_name));
        let slug = self.slug.as_deref().and_then(|slug| validation.field("/slug", Slug::parse(slug)));
        let email = validation.field("/email", Email::parse(&self.email));
        let name = validation.field("/name", UserName::parse(self.name.as_deref().unwrap_or_default()));
        let [address, local] = personal_words(&self.email);
        let words = [address, local, &self.tenant_name, self.slug.as_deref().unwrap_or_default()];
        let rest = tenant_name.zip(email).zip(name);
        let (((tenant_name, email), name), password) =
            check_new_password(validation, rest, "/password", &self.password, &words)?;
        Ok(SignUp { tenant_name, slug, email, password, name, client, origin })
    }
}

impl AuthAttemptError for SignUpError {
    fn outcome_label(&self) -> &'static str {
        match self {
            Self::SlugTaken => "slug_taken",
            Self::TooManyAccounts(_) => "throttled",
            Self::Failed(error) => error.outcome_label(),
        }
    }
}

impl From<SignUpError> for Problem {
    fn from(error: SignUpError) -> Self {
        match error {
            SignUpError::SlugTaken => {
                let field = FieldError::in_body("/slug", "taken", "is used by another tenant");
                Self::new(Code::SlugTaken).with_errors(vec![field])
            }
            SignUpError::TooManyAccounts(refusal) => refusal.into(),
            SignUpError::Failed(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(body: serde_json::Value) -> (Code, Vec<(String, &'static str)>) {
        let body: SignupBody = serde_json::from_value(body).unwrap();
        let problem = body.check(SessionClient::default(), RequestOrigin::default()).unwrap_err();
        let json = problem.to_json(None);
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let known = ["invalid", "too_short", "common", "personal"];
        let code = |value: &serde_json::Value| *known.iter().find(|code| value == *code).unwrap();
        let errors = json["errors"].as_array().unwrap().iter();
        (problem.code(), errors.map(|error| (text(&error["pointer"]), code(&error["code"]))).collect())
    }

    #[test]
    fn all_invalid_fields_are_reported() {
        let body = serde_json::json!({ "tenant_name": " ", "slug": "A", "email": "a", "password": "x", "name": "\n" });
        let (code, errors) = errors(body);
        assert_eq!(code, Code::ValidationFailed);
        let pointers: Vec<&str> = errors.iter().map(|(pointer, _)| pointer.as_str()).collect();
        assert_eq!(pointers, ["/tenant_name", "/slug", "/email", "/password"]);
    }

    #[test]
    fn only_password_invalid_is_weak_password() {
        let rows = [("1234567", "too_short"), ("Password123", "common"), ("ADA@acme.example", "personal")];
        for (password, reason) in rows {
            let body = serde_json::json!({ "tenant_name": "Acme", "email": "ada@acme.example", "password": password });
            assert_eq!(errors(body), (Code::WeakPassword, vec![("/password".to_owned(), reason)]));
        }
    }
}
