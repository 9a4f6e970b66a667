//! What all authentication attempts share: they run to completion, are counted, and map errors to problems.

use actix_web::http::header::{HeaderValue, RETRY_AFTER};
use chrono::TimeDelta;
use flows::{AuthServiceError, RateLimited, TooManyAccounts};
use iam::HashError;
use metrics::counter;
use tracing::Span;

use crate::metrics::AUTH_ATTEMPTS;
use crate::problem::{Code, Problem};
use crate::state::State;

/// An error of an authentication attempt, with its label for the metrics.
pub(crate) trait AuthAttemptError: Into<Problem> + Send + 'static {
    fn outcome_label(&self) -> &'static str;
}

/// Runs an attempt to completion even if the client disconnects: it is always counted, so disconnecting does not evade
/// the rate limit. `action` is a label of the metrics.
pub(crate) async fn run_auth_attempt<T, E>(
    state: &State,
    action: &'static str,
    operation: impl Future<Output = Result<T, E>> + Send + 'static,
) -> Result<T, Problem>
where
    T: Send + 'static,
    E: AuthAttemptError,
{
    let attempt = state.background.spawn(async move {
        let outcome = operation.await;
        let label = outcome.as_ref().map_or_else(AuthAttemptError::outcome_label, |_| "ok");
        counter!(AUTH_ATTEMPTS, "action" => action, "outcome" => label).increment(1);
        // For the request's log line.
        Span::current().record("outcome", label);
        outcome
    });
    attempt.await.map_err(Problem::internal)?.map_err(E::into)
}

impl AuthAttemptError for AuthServiceError {
    fn outcome_label(&self) -> &'static str {
        match self {
            Self::Hash(HashError::Busy) | Self::TooManyPending => "busy",
            _ => "failed",
        }
    }
}

impl From<AuthServiceError> for Problem {
    fn from(error: AuthServiceError) -> Self {
        match error {
            AuthServiceError::Store(error) => error.into(),
            AuthServiceError::Hash(error) => error.into(),
            AuthServiceError::TooManyPending => busy(),
            error => Self::internal(error),
        }
    }
}

/// A full queue of passwords is hashed in about two seconds.
fn busy() -> Problem {
    Problem::new(Code::Busy).with_header(RETRY_AFTER, HeaderValue::from_static("2"))
}

impl From<HashError> for Problem {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Busy => busy(),
            error => Self::internal(error),
        }
    }
}

impl From<RateLimited> for Problem {
    fn from(refusal: RateLimited) -> Self {
        let retry_after = seconds(refusal.retry_after);
        Self::new(Code::TooManyAttempts).with_header(RETRY_AFTER, retry_after).caused_by(refusal)
    }
}

impl From<TooManyAccounts> for Problem {
    fn from(refusal: TooManyAccounts) -> Self {
        let retry_after = seconds(refusal.retry_after);
        Self::new(Code::RateLimited).with_header(RETRY_AFTER, retry_after).caused_by(refusal)
    }
}

/// Rounded up to whole seconds, so that a retry on time is not refused again.
fn seconds(retry_after: TimeDelta) -> HeaderValue {
    HeaderValue::from(retry_after.num_seconds() + i64::from(retry_after.subsec_nanos() > 0))
}
