use iam::{InvalidPassword, Password};

use crate::problem::{Code, FieldError, Problem};
use crate::validation::Validation;

/// Checks a new password after the rest of the body; `rest` is `None` if the rest is invalid. If only the password is
/// invalid, the problem is `weak_password`.
pub(crate) fn check_new_password<T>(
    mut validation: Validation,
    rest: Option<T>,
    pointer: &str,
    text: &str,
    personal_words: &[&str],
) -> Result<(T, Password), Problem> {
    let rest = rest.filter(|_| validation.is_valid());
    let password =
        Password::for_new(text, personal_words).map_err(|reason| validation.add(password_error(pointer, reason)));
    match (rest, password) {
        (Some(rest), Ok(password)) => Ok((rest, password)),
        (Some(_), Err(())) => Err(validation.into_problem_with(Code::WeakPassword)),
        (None, _) => Err(validation.into_problem()),
    }
}

/// The problem for a password that a use case refused.
pub(crate) fn weak_password(pointer: &str, reason: InvalidPassword) -> Problem {
    Problem::new(Code::WeakPassword).with_errors(vec![password_error(pointer, reason)])
}

/// Words of an email address that the password must not equal.
pub(crate) fn personal_words(email: &str) -> [&str; 2] {
    let email = email.trim();
    [email, email.rsplit_once('@').map_or(email, |(local, _)| local)]
}

fn password_error(pointer: &str, reason: InvalidPassword) -> FieldError {
    let code = match reason {
        InvalidPassword::TooShort => "too_short",
        InvalidPassword::TooLong => "too_long",
        InvalidPassword::Common => "common",
        InvalidPassword::Personal => "personal",
    };
    FieldError::in_body(pointer, code, reason.to_string())
}
