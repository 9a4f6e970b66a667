//! The WhatsApp numbers that a tenant connects.

pub(crate) mod whatsapp_accounts;

use actix_web::web::{ServiceConfig, get, post, resource};

pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(
        resource("/whatsapp-accounts")
            .route(get().to(whatsapp_accounts::list))
            .route(post().to(whatsapp_accounts::connect)),
    );
}
