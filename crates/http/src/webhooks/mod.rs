//! `/webhooks`: called by Meta.
//!
//! `X-Tenant-ID` is not read here: the account in the delivery determines the tenant. The path names the Meta app, and
//! the app's secrets authenticate the caller; see [`target`].

pub(crate) mod deliveries;
pub(crate) mod handshake;
mod store_span;
mod target;

use actix_web::web::{ServiceConfig, get, post, resource};
use channels::AppCredentialsError;
use flows::AcceptError;
use tokio::task::JoinError;

use crate::problem::{Code, Problem};

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(
            resource("/webhooks/whatsapp").route(get().to(handshake::handshake)).route(post().to(deliveries::deliver)),
        )
        .service(
            resource("/webhooks/whatsapp/{app}")
                .route(get().to(handshake::handshake_of_app))
                .route(post().to(deliveries::deliver_to_app)),
        );
}

/// A failure of the server, which Meta answers with a retry.
#[derive(Debug, thiserror::Error)]
enum WebhookError {
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
