//! Health, readiness, the OpenAPI document, its reference page and the handbook.

mod docs;
pub(crate) mod document;
pub(crate) mod guide;
pub(crate) mod health;
pub(crate) mod ready;

use actix_web::web::{ServiceConfig, get, resource};

/// Pages for people, which are not in the OpenAPI document.
pub(crate) fn pages(config: &mut ServiceConfig) {
    config
        .service(resource("/docs").route(get().to(docs::page)))
        .service(resource("/docs/").route(get().to(docs::with_slash)))
        .service(resource("/docs/guide").route(get().to(guide::index)))
        .service(resource("/docs/guide/").route(get().to(guide::with_slash)))
        .service(resource("/docs/guide/{page}").route(get().to(guide::page)))
        .service(resource("/docs/guide.css").route(get().to(guide::stylesheet)))
        .service(resource("/docs/{file}").route(get().to(docs::file)));
}
