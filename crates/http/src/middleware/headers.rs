use actix_web::http::header::{
    CACHE_CONTROL, HeaderMap, HeaderValue, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};

use super::request_id::RequestId;

/// Adds the headers that every response has.
pub(super) fn add_headers(headers: &mut HeaderMap, id: &RequestId) {
    if let Some(id) = id.to_header() {
        headers.insert(RequestId::HEADER, id);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Responses hold tokens and personal data. A handler that allows caching sets the header itself.
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// Tells browsers to use HTTPS only, for a year (RFC 6797).
pub(super) fn require_https(headers: &mut HeaderMap) {
    headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
}
