//! `/webhooks`: what Meta calls.
//!
//! Nothing here reads `X-Tenant-ID`: whose a delivery is, the account that it is for decides.

pub(crate) mod deliveries;
pub(crate) mod handshake;

use actix_web::web::{ServiceConfig, get, post, resource};

pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(
        resource("/webhooks/whatsapp").route(get().to(handshake::handshake)).route(post().to(deliveries::deliver)),
    );
}
