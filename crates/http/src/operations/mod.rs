//! Health, readiness, the OpenAPI document and its reference page.

mod docs;
pub(crate) mod document;
pub(crate) mod health;
pub(crate) mod readiness;

use actix_web::web::{ServiceConfig, get, resource};

pub use readiness::{Check, Readiness};

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/healthz").route(get().to(health::health)))
        .service(resource("/readyz").route(get().to(readiness::ready)))
        .service(resource("/openapi.json").route(get().to(document::document)))
        .service(resource("/docs").route(get().to(docs::page)))
        .service(resource("/docs/").route(get().to(docs::with_slash)))
        .service(resource("/docs/{file}").route(get().to(docs::file)));
}
