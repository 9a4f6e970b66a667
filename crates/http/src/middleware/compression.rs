//! Compresses answers by `Accept-Encoding` (RFC 9110, section 12.5.3): brotli or gzip.
//!
//! Only answers to reads: what a POST answers may hold a token or a secret, and the length of a compressed answer says something
//! about its content if a part of it is chosen by an attacker. No read answers with a secret.

use actix_http::encoding::Encoder;
use actix_web::body::{BodySize, BoxBody, MessageBody as _};
use actix_web::dev::ServiceResponse;
use actix_web::http::Method;
use actix_web::http::header::{
    AcceptEncoding, CONTENT_ENCODING, ContentEncoding, Encoding, Header as _, HeaderValue, VARY,
};

use super::media_type;

/// Shorter answers fit into one packet anyway. In bytes.
const MIN_BODY: u64 = 1024;

pub(super) fn compress(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let is_long = match response.response().body().size() {
        BodySize::None => false,
        BodySize::Sized(bytes) => bytes >= MIN_BODY,
        BodySize::Stream => true,
    };
    let is_read = response.request().method() == Method::GET;
    if !is_read || !is_long || !media_type::is_json_or_lines(response.headers()) {
        return response;
    }
    let supported = [Encoding::brotli(), Encoding::gzip(), Encoding::identity()];
    let accepted = AcceptEncoding::parse(response.request()).ok();
    let mut response = match accepted.and_then(|accepted| accepted.negotiate(supported.iter())) {
        Some(Encoding::Known(encoding)) if encoding != ContentEncoding::Identity => {
            response.map_body(|head, body| BoxBody::new(Encoder::response(encoding, head, body)))
        }
        _ => response,
    };
    // The encoder adds the header to what it compresses.
    let headers = response.headers_mut();
    if !headers.contains_key(CONTENT_ENCODING) {
        headers.append(VARY, HeaderValue::from_static("accept-encoding"));
    }
    response
}
