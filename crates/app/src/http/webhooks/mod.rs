//! `/webhooks`: what Meta calls.
//!
//! Nothing here reads `X-Tenant-ID`: whose a delivery is, the account that it is for decides. Which app is calling, the path
//! says, and whether it really is that app, its secrets; see [`callee`].

mod callee;
pub(crate) mod deliveries;
pub(crate) mod handshake;
mod storing;

use actix_web::web::{ServiceConfig, get, post, resource};
use flows::AcceptError;
use inbound::AppCredentialsError;
use tokio::task::JoinError;

use crate::http::problem::{Code, Problem};

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

/// Why Meta is not served, though it may be right.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Accept(#[from] AcceptError),
    #[error(transparent)]
    Credentials(#[from] AppCredentialsError),
    #[error(transparent)]
    Crashed(#[from] JoinError),
}

/// Never a 4xx, whatever the database says: Meta would give the delivery up.
impl From<Failure> for Problem {
    fn from(reason: Failure) -> Self {
        Self::unavailable(Code::TemporarilyUnavailable).caused_by(reason)
    }
}
