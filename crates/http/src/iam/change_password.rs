use actix_web::{HttpResponse, web};
use flows::{ChangePassword, ChangePasswordError, change_password};
use iam::Password;
use serde::Deserialize;
use utoipa::ToSchema;

use super::auth_attempt::{AuthAttemptError, run_auth_attempt};
use super::new_password::{check_new_password, personal_words};
use crate::auth::Authenticated;
use crate::extract::{Json, OriginOfRequest};
use crate::problem::{Code, FieldError, Problem};
use crate::state::State;
use crate::tags;
use crate::validation::Validation;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ChangePassword)]
pub(crate) struct PasswordBody {
    #[schema(example = "correct horse battery", format = Password, pattern = r"^[^\u0000]*$")]
    current_password: String,
    /// 8 to 256 characters.
    #[schema(example = "staple of another horse", format = "new-password")]
    new_password: String,
}

/// Change your password
///
/// Ends all other sessions. A wrong current password counts as a failed login attempt.
#[utoipa::path(
    post,
    path = "/auth/password",
    operation_id = "changePassword",
    tag = tags::AUTH,
    security(("bearer" = [])),
    request_body = PasswordBody,
    responses((status = 204, description = "Changed")),
    extensions(("x-problems" = json!([
        Code::WrongPassword, Code::WeakPassword, Code::TooManyAttempts, Code::Busy,
    ]))),
)]
pub(crate) async fn change(
    Authenticated { access, scope }: Authenticated,
    OriginOfRequest(origin): OriginOfRequest,
    state: web::Data<State>,
    body: Json<PasswordBody>,
) -> Result<HttpResponse, Problem> {
    let PasswordBody { current_password, new_password } = body.into_inner();
    let [email, local] = personal_words(access.user.email.as_written());
    let personal_words = [email, local, access.tenant.name.as_str(), access.tenant.slug.as_str()];
    let ((), new) =
        check_new_password(Validation::default(), Some(()), "/new_password", &new_password, &personal_words)?;
    let current = Password::for_login(&current_password).unwrap_or_else(|_| Password::placeholder());
    let input = ChangePassword { current, new, origin };
    let (auth, access) = (state.auth.clone(), (*access).clone());
    let change = async move { change_password(&auth, &scope, &access, input).await };
    run_auth_attempt(&state, "password", change).await?;
    Ok(HttpResponse::NoContent().finish())
}

impl AuthAttemptError for ChangePasswordError {
    fn outcome_label(&self) -> &'static str {
        match self {
            Self::WrongPassword => "wrong_password",
            Self::RateLimited(_) => "throttled",
            Self::Failed(error) => error.outcome_label(),
        }
    }
}

impl From<ChangePasswordError> for Problem {
    fn from(error: ChangePasswordError) -> Self {
        match error {
            ChangePasswordError::WrongPassword => {
                let field = FieldError::in_body("/current_password", "wrong", "is incorrect");
                Self::new(Code::WrongPassword).with_errors(vec![field])
            }
            ChangePasswordError::RateLimited(throttled) => throttled.into(),
            ChangePasswordError::Failed(error) => error.into(),
        }
    }
}
