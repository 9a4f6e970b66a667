use iam::{InvalidPassword, Password};

use crate::http::problem::{Code, FieldError, Problem};
use crate::http::validation::Validation;

/// Checks a password that somebody wants, after everything else in the body; `rest` is what that came to, if it was right.
/// A password that alone is wrong has a code of its own.
pub(crate) fn with_password<T>(
    mut validation: Validation,
    rest: Option<T>,
    pointer: &str,
    text: &str,
    personal: &[&str],
) -> Result<(T, Password), Problem> {
    let rest = rest.filter(|_| validation.is_clean());
    let password = Password::choose(text, personal).map_err(|reason| validation.note(weak(pointer, reason)));
    match (rest, password) {
        (Some(rest), Ok(password)) => Ok((rest, password)),
        (Some(_), Err(())) => Err(validation.into_problem_of(Code::WeakPassword)),
        (None, _) => Err(validation.into_problem()),
    }
}

/// Of what is known only after the body was checked.
pub(crate) fn weak_password(pointer: &str, reason: InvalidPassword) -> Problem {
    Problem::new(Code::WeakPassword).with_errors(vec![weak(pointer, reason)])
}

/// What an address says about its owner.
pub(crate) fn personal(email: &str) -> [&str; 2] {
    let email = email.trim();
    [email, email.rsplit_once('@').map_or(email, |(local, _)| local)]
}

fn weak(pointer: &str, reason: InvalidPassword) -> FieldError {
    let code = match reason {
        InvalidPassword::TooShort => "too_short",
        InvalidPassword::TooLong => "too_long",
        InvalidPassword::Common => "common",
        InvalidPassword::Personal => "personal",
    };
    FieldError::at(pointer, code, reason.to_string())
}
