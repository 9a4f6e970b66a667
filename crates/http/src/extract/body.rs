use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::web::{Bytes, Data};
use futures_util::StreamExt as _;

use crate::limits::ReservedBytes;
use crate::problem::{Code, Problem};
use crate::state::State;

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

/// The body of a request. Its memory is reserved in the process's budget until it is dropped.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) bytes: Bytes,
    _reserved: Option<ReservedBytes>,
}

/// Time limit for receiving a body. The framework limits only the time for a request's head.
const MAX_TIME: Duration = Duration::from_secs(30);

/// The buffer of a body begins with this and doubles as bytes arrive: neither a client that only announces bytes nor one that
/// sends a few costs much.
const FIRST_CAPACITY: usize = 4 * 1024;
/// The first bytes of each body are not taken from the budget: they are bounded by the number of requests, and so a usual
/// delivery is received although large bodies use up the budget.
const UNCOUNTED: usize = 16 * 1024;

/// Reads the whole body.
///
/// # Errors
/// A [`Problem`] when it is too large, too slow, ends too early, or the bodies of all requests need too much memory.
pub(crate) async fn read_body(request: &HttpRequest, payload: Payload, limit: BodyLimit) -> Result<Body, Problem> {
    read_body_with(request, payload, limit, |_| {}).await
}

/// The same; each part is shown as it arrives.
///
/// # Errors
/// As [`read_body`].
pub(crate) async fn read_body_with(
    request: &HttpRequest,
    payload: Payload,
    limit: BodyLimit,
    on_part: impl FnMut(&[u8]),
) -> Result<Body, Problem> {
    let announced =
        request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit.0) {
        return Err(too_large(limit));
    }
    let reserved = request.app_data::<Data<State>>().map(|state| state.limits.bodies.reservation());
    let buffer = Buffer { bytes: Vec::new(), most: announced.unwrap_or(limit.0), reserved };
    tokio::time::timeout(MAX_TIME, collect(payload, buffer, limit, on_part))
        .await
        .unwrap_or_else(|_| Err(Problem::new(Code::RequestTimeout)))
}

async fn collect(
    mut payload: Payload,
    mut buffer: Buffer,
    limit: BodyLimit,
    mut on_part: impl FnMut(&[u8]),
) -> Result<Body, Problem> {
    while let Some(part) = payload.next().await {
        let part = part.map_err(|error| incomplete(&error))?;
        if buffer.bytes.len() + part.len() > limit.0 {
            return Err(too_large(limit));
        }
        buffer.append(&part)?;
        on_part(&part);
    }
    Ok(Body { bytes: buffer.bytes.into(), _reserved: buffer.reserved })
}

/// The bytes that have arrived. Its capacity is reserved in the budget.
struct Buffer {
    bytes: Vec<u8>,
    /// The length that the body may get.
    most: usize,
    reserved: Option<ReservedBytes>,
}

impl Buffer {
    fn append(&mut self, part: &[u8]) -> Result<(), Problem> {
        let (length, capacity) = (self.bytes.len() + part.len(), self.bytes.capacity());
        if length > capacity {
            let capacity = length.max((2 * capacity).clamp(FIRST_CAPACITY, self.most.max(FIRST_CAPACITY)));
            if let Some(reserved) = &mut self.reserved {
                reserved.grow_to(capacity.saturating_sub(UNCOUNTED)).map_err(|error| {
                    Problem::unavailable(Code::TemporarilyUnavailable)
                        .with_detail("The bodies of too many requests are in memory; retry later.")
                        .caused_by(error)
                })?;
            }
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.extend_from_slice(part);
        Ok(())
    }
}

fn too_large(limit: BodyLimit) -> Problem {
    Problem::new(Code::BodyTooLarge).with_detail(format!("The body may have at most {} bytes.", limit.0))
}

fn incomplete(error: &PayloadError) -> Problem {
    Problem::new(Code::IncompleteBody).caused_by(error.to_string())
}

#[cfg(test)]
mod tests {
    use actix_web::FromRequest as _;
    use actix_web::test::TestRequest;
    use actix_web::web;

    use super::*;
    use crate::testing::state;

    async fn read(state: &Data<State>, size: usize) -> Result<Body, Problem> {
        let (request, mut payload) =
            TestRequest::default().app_data(Data::clone(state)).set_payload(vec![b'x'; size]).to_http_parts();
        let payload = web::Payload::from_request(&request, &mut payload).await.unwrap().into_inner();
        read_body(&request, payload, BodyLimit::WEBHOOK).await
    }

    #[actix_web::test]
    async fn bodies_of_all_requests_share_a_budget() {
        let state = state();
        let all = state.limits.bodies.available();
        let mut held = Vec::new();
        let refused = loop {
            match read(&state, 4 * 1024 * 1024).await {
                Ok(body) => held.push(body),
                Err(problem) => break problem,
            }
        };
        assert_eq!(refused.code(), Code::TemporarilyUnavailable);
        assert_eq!(held.len(), all / (4 * 1024 * 1024));
        let usual = read(&state, 16 * 1024).await.unwrap();
        assert_eq!(usual.bytes.len(), 16 * 1024, "a usual delivery needs nothing of it");
        let body = held.pop().unwrap();
        assert_eq!(body.bytes.len(), 4 * 1024 * 1024);
        drop((body, held));
        assert_eq!(state.limits.bodies.available(), all);
    }
}
