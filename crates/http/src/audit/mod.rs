//! `/audit-log`: the tenant's audit log.

pub(crate) mod bodies;
pub(crate) mod export;
pub(crate) mod log;
pub(crate) mod verify;

use actix_web::web::{ServiceConfig, get, resource};

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/audit-log").route(get().to(log::list)))
        .service(resource("/audit-log/export").route(get().to(export::export)))
        .service(resource("/audit-log/verify").route(get().to(verify::verify)));
}
