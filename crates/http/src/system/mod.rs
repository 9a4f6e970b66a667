//! Health, readiness, the OpenAPI document, its reference page and the handbook.

mod docs;
pub(crate) mod document;
pub(crate) mod guide;
pub(crate) mod health;
pub(crate) mod ready;

use actix_web::web::ServiceConfig;

use crate::operations::page;

/// Pages for people, which are not in the OpenAPI document.
pub(crate) fn pages(config: &mut ServiceConfig) {
    config
        .service(page("/docs", docs::page))
        .service(page("/docs/", docs::with_slash))
        .service(page("/docs/guide", guide::index))
        .service(page("/docs/guide/", guide::with_slash))
        .service(page("/docs/guide/{page}", guide::page))
        .service(page("/docs/guide.css", guide::stylesheet))
        .service(page("/docs/{file}", docs::file));
}
