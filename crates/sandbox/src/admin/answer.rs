//! Refusals of this API, and its bodies.

use actix_web::web::Bytes;
use actix_web::{HttpResponse, ResponseError};
use serde::de::DeserializeOwned;
use serde_json::json;

/// A refusal of this API.
#[derive(Debug, thiserror::Error)]
pub(super) enum AdminError {
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

pub(super) fn not_found(text: &str) -> AdminError {
    AdminError::NotFound(text.to_owned())
}

pub(super) fn bad_request(text: &str) -> AdminError {
    AdminError::BadRequest(text.to_owned())
}

/// The body as this type, or what is wrong with it. An empty body is an empty object.
pub(super) fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, AdminError> {
    let body: &[u8] = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| bad_request(&error.to_string()))
}
