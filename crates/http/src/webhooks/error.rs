use channels::AppCredentialsError;
use flows::AcceptError;
use tokio::task::JoinError;

use crate::problem::{Code, Problem};

/// A failure of the server, which Meta answers with a retry.
#[derive(Debug, thiserror::Error)]
pub(super) enum WebhookError {
    #[error(transparent)]
    Accept(#[from] AcceptError),
    #[error(transparent)]
    Credentials(#[from] AppCredentialsError),
    #[error(transparent)]
    Crashed(#[from] JoinError),
}

/// Always 503: after a 4xx Meta would give the delivery up.
impl From<WebhookError> for Problem {
    fn from(reason: WebhookError) -> Self {
        Self::unavailable(Code::TemporarilyUnavailable).caused_by(reason)
    }
}
