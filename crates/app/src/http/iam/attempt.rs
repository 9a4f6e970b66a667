//! What the ways in have in common: an attempt is driven to its end, counted, and refused in one way.

use actix_web::http::header::{HeaderValue, RETRY_AFTER};
use flows::{Throttled, TokensError};
use iam::HashError;
use metrics::counter;
use tracing::Span;

use crate::http::State;
use crate::http::problem::{Code, Problem};
use crate::telemetry::metrics::AUTH_ATTEMPTS;

/// What became of an attempt that was refused or failed, for the metrics.
pub(in crate::http) trait Refusal: Into<Problem> + Send + 'static {
    fn label(&self) -> &'static str;
}

/// Makes an attempt, whether or not its client waits for the end: one that was begun is also counted, and nobody guesses for
/// free by hanging up. `action` is a label of the metrics.
pub(in crate::http) async fn attempt<T, E>(
    state: &State,
    action: &'static str,
    made: impl Future<Output = Result<T, E>> + Send + 'static,
) -> Result<T, Problem>
where
    T: Send + 'static,
    E: Refusal,
{
    let attempt = state.background.spawn(async move {
        let outcome = made.await;
        let label = outcome.as_ref().map_or_else(Refusal::label, |_| "ok");
        counter!(AUTH_ATTEMPTS, "action" => action, "outcome" => label).increment(1);
        // On the line of the request.
        Span::current().record("outcome", label);
        outcome
    });
    attempt.await.map_err(Problem::internal)?.map_err(E::into)
}

impl Refusal for TokensError {
    fn label(&self) -> &'static str {
        match self {
            Self::Hash(HashError::Busy) => "busy",
            _ => "failed",
        }
    }
}

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

impl From<Throttled> for Problem {
    /// In whole seconds, and never so few that it would be refused again.
    fn from(throttled: Throttled) -> Self {
        let retry_after = throttled.retry_after;
        let seconds = retry_after.num_seconds() + i64::from(retry_after.subsec_nanos() > 0);
        Self::new(Code::TooManyAttempts).with_header(RETRY_AFTER, HeaderValue::from(seconds)).caused_by(throttled)
    }
}
