//! `/platform`: operators' resources, which belong to no tenant or to all.

mod account_query;
pub(crate) mod audit_log;
pub(crate) mod signing_keys;
pub(crate) mod tenants;
pub(crate) mod webhook_events;
pub(crate) mod whatsapp_accounts;

use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig, get, post, resource};

use super::operators;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(
        web::scope("/platform")
            .wrap(from_fn(operators::authenticate))
            .service(resource("/audit-log").route(get().to(audit_log::list)))
            .service(resource("/signing-keys/rotate").route(post().to(signing_keys::rotate)))
            .service(resource("/webhook-events").route(get().to(webhook_events::list)))
            .service(resource("/whatsapp-accounts").route(get().to(whatsapp_accounts::list)))
            .service(resource("/whatsapp-accounts/{id}/approve").route(post().to(whatsapp_accounts::approve))),
    );
}
