//! The tenant's WhatsApp numbers and Meta apps.

pub(crate) mod meta_apps;
pub(crate) mod whatsapp_accounts;

use actix_web::web::{ServiceConfig, delete, get, patch, post, resource};

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(
            resource("/whatsapp-accounts")
                .route(get().to(whatsapp_accounts::list))
                .route(post().to(whatsapp_accounts::connect)),
        )
        .service(
            resource("/whatsapp-accounts/{id}")
                .route(get().to(whatsapp_accounts::read))
                .route(patch().to(whatsapp_accounts::change))
                .route(delete().to(whatsapp_accounts::disconnect)),
        )
        .service(resource("/meta-apps").route(get().to(meta_apps::list)).route(post().to(meta_apps::create)))
        .service(
            resource("/meta-apps/{key}").route(patch().to(meta_apps::change)).route(delete().to(meta_apps::delete)),
        );
}
