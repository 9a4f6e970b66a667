//! Conditional reads (RFC 9110, section 13): an answer in JSON has an `ETag`, and a client that sends it back in
//! `If-None-Match` gets 304 without a body while the answer is the same.

use actix_web::Error;
use actix_web::body::{BoxBody, MessageBody, None as NoBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{CONTENT_TYPE, ETAG, EntityTag, Header as _, HeaderValue, IfNoneMatch};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;

use super::media_type;

/// Bytes of the SHA-256 that an `ETag` shows.
const TAG_BYTES: usize = 16;

/// Wraps the handlers: adds the `ETag` to the answer of a read, or replaces it by 304.
///
/// # Errors The error of the inner service.
pub(crate) async fn answer_conditionally(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    Ok(answer(next.call(request).await?.map_into_boxed_body()))
}

fn answer(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let is_read = matches!(*response.request().method(), Method::GET | Method::HEAD);
    if !is_read || response.status() != StatusCode::OK || !media_type::is_json(response.headers()) {
        return response;
    }
    let (request, response) = response.into_parts();
    let (mut response, body) = response.into_parts();
    let body = match body.try_into_bytes() {
        Ok(body) => body,
        // A stream is sent while it is read from the database.
        Err(body) => return ServiceResponse::new(request, response.set_body(body)),
    };
    let tag = tag(&body);
    if let Ok(value) = HeaderValue::from_str(&tag.to_string()) {
        response.headers_mut().insert(ETAG, value);
    }
    let is_known = match IfNoneMatch::parse(&request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(&tag)),
        Err(_) => false,
    };
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response.headers_mut().remove(CONTENT_TYPE);
        return ServiceResponse::new(request, response.set_body(BoxBody::new(NoBody::new())));
    }
    ServiceResponse::new(request, response.set_body(BoxBody::new(body)))
}

/// Weak, since the same tag stands for the compressed answer, too.
fn tag(body: &[u8]) -> EntityTag {
    let digest = digest::digest(&digest::SHA256, body);
    EntityTag::new_weak(URL_SAFE_NO_PAD.encode(&digest.as_ref()[..TAG_BYTES]))
}
