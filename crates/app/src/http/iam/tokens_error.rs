use actix_web::http::header::{HeaderValue, RETRY_AFTER};
use flows::TokensError;
use iam::HashError;

use crate::http::problem::{Code, Problem};

impl From<TokensError> for Problem {
    fn from(error: TokensError) -> Self {
        match error {
            TokensError::Store(error) => error.into(),
            TokensError::Hash(error) => error.into(),
            error => Self::internal(error),
        }
    }
}

impl From<HashError> for Problem {
    fn from(error: HashError) -> Self {
        match error {
            // The queue is about two seconds long.
            HashError::Busy => Self::new(Code::Busy).with_header(RETRY_AFTER, HeaderValue::from_static("2")),
            error => Self::internal(error),
        }
    }
}

/// What became of an attempt to get in, for the metrics.
pub(super) const fn outcome(error: &TokensError) -> &'static str {
    match error {
        TokensError::Hash(HashError::Busy) => "busy",
        _ => "failed",
    }
}
