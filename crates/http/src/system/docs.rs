//! The API reference: Swagger UI with this server's own OpenAPI document. Its files are compiled in, and the page loads
//! nothing from other hosts.

use std::sync::{Arc, LazyLock};

use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, ContentType, LOCATION, REFERRER_POLICY};
use actix_web::{HttpResponse, web};
use utoipa_swagger_ui::{Config, SwaggerFile};

use crate::auth::Public;
use crate::problem::{Code, Problem};

/// Its URLs are relative, so that it works behind a proxy that adds a path prefix.
const PAGE: &str = include_str!("docs.html");
/// The page may talk to this server only. Swagger UI needs inline styles and `data:` images.
pub(super) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// The files change only with a release.
pub(super) const MAX_AGE: &str = "public, max-age=3600";

/// The document's URL is relative to the page. Without `none`, Swagger UI sends the document to a validator on the
/// internet.
static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
    let config = Config::from("openapi.json").use_base_layout().deep_linking(true).validator_url("none");
    Arc::new(config.filter(true).doc_expansion("list").default_models_expand_depth(0).display_request_duration(true))
});

pub(super) async fn page(_public: Public) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .content_type(ContentType::html())
        .body(PAGE)
}

/// Relative URLs on the page would be wrong after a trailing slash.
pub(super) async fn with_slash(_public: Public) -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((LOCATION, "../docs")).finish()
}

pub(super) async fn file(_public: Public, name: web::Path<String>) -> Result<HttpResponse, Problem> {
    let file = utoipa_swagger_ui::serve(&name, Arc::clone(&CONFIG))
        .map_err(|error| Problem::new(Code::InternalError).caused_by(error.to_string()))?;
    match file {
        Some(SwaggerFile { bytes, content_type, .. }) => Ok(HttpResponse::Ok()
            .insert_header((CACHE_CONTROL, MAX_AGE))
            .content_type(content_type)
            .body(bytes.into_owned())),
        None => Err(Problem::not_found()),
    }
}
