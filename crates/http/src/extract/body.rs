use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::web::{Bytes, BytesMut};
use futures_util::StreamExt as _;

use crate::problem::{Code, Problem};

/// Maximum body size in bytes, set as application data of a route.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyLimit(pub(crate) usize);

impl BodyLimit {
    /// For all routes but authentication and webhooks.
    pub(crate) const DEFAULT: Self = Self(256 * 1024);
    pub(crate) const AUTH: Self = Self(16 * 1024);
    /// Meta's deliveries have up to 3 MB.
    pub(crate) const WEBHOOK: Self = Self(4 * 1024 * 1024);

    pub(super) fn for_request(request: &HttpRequest) -> Self {
        request.app_data().copied().unwrap_or(Self::DEFAULT)
    }
}

/// Time limit for receiving a body. The framework limits only the time for a request's head.
const MAX_TIME: Duration = Duration::from_secs(30);

/// Upper bound for the buffer reserved from `Content-Length`, which the client chooses freely.
const MAX_RESERVED: usize = 64 * 1024;

/// Reads the whole body.
///
/// # Errors
/// A [`Problem`] when it is too large, too slow, or ends too early.
pub(crate) async fn read_body(request: &HttpRequest, payload: Payload, limit: BodyLimit) -> Result<Bytes, Problem> {
    let announced =
        request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit.0) {
        return Err(too_large(limit));
    }
    tokio::time::timeout(MAX_TIME, collect(payload, announced.unwrap_or_default(), limit))
        .await
        .unwrap_or_else(|_| Err(Problem::new(Code::RequestTimeout)))
}

async fn collect(mut payload: Payload, announced: usize, limit: BodyLimit) -> Result<Bytes, Problem> {
    let mut body = BytesMut::with_capacity(announced.min(MAX_RESERVED));
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| incomplete(&error))?;
        if body.len() + chunk.len() > limit.0 {
            return Err(too_large(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn too_large(limit: BodyLimit) -> Problem {
    Problem::new(Code::BodyTooLarge).with_detail(format!("The body may have at most {} bytes.", limit.0))
}

fn incomplete(error: &PayloadError) -> Problem {
    Problem::new(Code::IncompleteBody).caused_by(error.to_string())
}
