//! Cross-origin requests: a browser lets pages of the configured origins read the answers, and of no others.

use actix_cors::Cors;
use actix_web::http::Method;
use actix_web::http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH, LOCATION, RETRY_AFTER,
};

use super::RequestId;
use crate::extract::TENANT_HEADER;
use crate::idempotency;

/// How long a browser may remember the answer to a preflight request, in seconds.
const MAX_AGE: usize = 600;

/// Tokens are sent in `Authorization`, never in cookies, so that credentials of the browser are not allowed.
pub(crate) fn cors(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .block_on_origin_mismatch(false)
        .allowed_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allowed_headers([ACCEPT, AUTHORIZATION, CONTENT_TYPE, IF_NONE_MATCH, RequestId::HEADER, TENANT_HEADER])
        .allowed_header(idempotency::HEADER)
        .expose_headers([ETAG, LOCATION, RETRY_AFTER, RequestId::HEADER])
        .expose_headers(RATE_LIMITS)
        .expose_headers([idempotency::REPLAYED_HEADER])
        .max_age(MAX_AGE);
    origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}

const RATE_LIMITS: [HeaderName; 2] =
    [HeaderName::from_static("ratelimit"), HeaderName::from_static("ratelimit-policy")];
