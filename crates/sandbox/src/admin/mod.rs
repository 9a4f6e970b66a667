//! The API under `/sandbox`, by which tests set the sandbox up and read what it saw.

mod clock;
mod customers;
mod faults;
mod journal;
mod numbers;
mod phone;
mod state;
mod templates;
mod webhooks;

use actix_web::web::{self, Bytes};
use actix_web::{HttpResponse, ResponseError};
use serde::de::DeserializeOwned;
use serde_json::json;

pub(crate) fn configure(config: &mut web::ServiceConfig) {
    config.service(
        web::scope("/sandbox")
            .route("/state", web::get().to(state::get))
            .route("/reset", web::post().to(state::reset))
            .route("/clock", web::get().to(clock::get))
            .route("/clock", web::post().to(clock::post))
            .route("/numbers", web::get().to(numbers::list))
            .route("/numbers", web::post().to(numbers::put))
            .route("/numbers/{id}", web::get().to(numbers::get))
            .route("/numbers/{id}", web::patch().to(numbers::patch))
            .route("/numbers/{id}", web::delete().to(numbers::delete))
            .route("/wabas", web::get().to(numbers::wabas))
            .route("/wabas/{id}", web::patch().to(numbers::patch_waba))
            .route("/wabas/{id}/sample_templates", web::post().to(templates::samples))
            .route("/journal", web::get().to(journal::entries))
            .route("/refusals", web::get().to(journal::refusals))
            .route("/faults", web::get().to(faults::list))
            .route("/faults", web::post().to(faults::add))
            .route("/faults", web::delete().to(faults::clear))
            .route("/faults/seed", web::post().to(faults::seed))
            .route("/faults/{id}", web::delete().to(faults::remove))
            .route("/customers", web::get().to(customers::list))
            .route("/customers", web::post().to(customers::put))
            .route("/phone/messages", web::post().to(phone::write))
            .route("/phone/read", web::post().to(phone::read))
            .route("/phone/chat", web::get().to(phone::chat))
            .route("/phone/events", web::get().to(phone::events))
            .route("/templates", web::get().to(templates::list))
            .route("/templates", web::post().to(templates::put))
            .route("/templates/{id}", web::patch().to(templates::patch))
            .route("/deliveries", web::get().to(webhooks::deliveries))
            .route("/webhooks", web::post().to(webhooks::post))
            .route("/webhooks/send", web::post().to(webhooks::send))
            .default_service(web::to(unknown)),
    );
}

async fn unknown() -> Result<HttpResponse, AdminError> {
    Err(not_found("no such path; crates/sandbox/README.md has them all"))
}

/// A refusal of this API.
#[derive(Debug, thiserror::Error)]
enum AdminError {
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    BadRequest(String),
}

impl ResponseError for AdminError {
    fn error_response(&self) -> HttpResponse {
        let mut builder = match self {
            Self::NotFound(_) => HttpResponse::NotFound(),
            Self::BadRequest(_) => HttpResponse::BadRequest(),
        };
        builder.json(json!({"error": self.to_string()}))
    }
}

fn not_found(text: &str) -> AdminError {
    AdminError::NotFound(text.to_owned())
}

fn bad_request(text: &str) -> AdminError {
    AdminError::BadRequest(text.to_owned())
}

/// The body as this type, or what is wrong with it. An empty body is an empty object.
fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, AdminError> {
    let body: &[u8] = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| bad_request(&error.to_string()))
}
