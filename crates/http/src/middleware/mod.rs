//! Wraps every request: request id, span, log line, metrics, error responses as problems, compression. Conditional reads have a
//! middleware of their own, inside of the one that counts the bytes of responses.

mod compression;
mod conditional;
mod cors;
mod headers;
mod media_type;
mod observe;
mod problems;
mod request_id;

use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::HeaderMap;
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, web};
use kernel::{Clock, Traceparent, Tracing};
use tracing::Instrument as _;
use tracing::field::Empty;

use crate::state::State;

pub(crate) use conditional::answer_conditionally;
pub(crate) use cors::cors;
use headers::{add_headers, require_https};
pub use request_id::RequestId;

/// Wraps the whole application.
///
/// # Errors A failure outside of any handler, as a problem.
pub(crate) async fn wrap_request(
    clock: web::Data<dyn Clock>,
    tracing: Option<web::Data<Tracing>>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = RequestId::from_headers(request.headers(), &**clock);
    request.extensions_mut().insert(id.clone());
    let tracing = tracing.as_deref().cloned().unwrap_or_default();
    let caller = parent_span(request.headers());
    let trace = caller.map_or_else(|| tracing.start(&**clock), |caller| caller.child(&**clock));
    request.extensions_mut().insert(trace);
    // Level `ERROR`, so that its fields are logged at every configured level.
    let span = tracing::error_span!(
        "request", request_id = %id, trace_id = trace.trace_id(), tenant_id = Empty, user_id = Empty,
        api_key_id = Empty, outcome = Empty
    );
    async move {
        let (started, began) = (Instant::now(), clock.now());
        let method = observe::method_label(request.method());
        let response = next.call(request).await.map_err(|error| problems::outside_of_handlers(&error, &id))?;
        let mut response = problems::complete(response, &id);
        add_headers(response.headers_mut(), &id);
        if is_encrypted(&response) {
            require_https(response.headers_mut());
        }
        observe::record(&response, method, started.elapsed());
        tracing.record(&trace, || observe::span(&response, method, trace, caller, began, clock.now()));
        Ok(compression::compress(response))
    }
    .instrument(span)
    .await
}

/// The client's span, from the `traceparent` header (W3C Trace Context).
fn parent_span(headers: &HeaderMap) -> Option<Traceparent> {
    headers.get("traceparent")?.to_str().ok()?.parse().ok()
}

/// Whether the client's connection is encrypted, as a trusted proxy says: the server itself speaks plain HTTP.
fn is_encrypted(response: &ServiceResponse<BoxBody>) -> bool {
    let request = response.request();
    let peer = request.peer_addr().map(|address| address.ip());
    let state = request.app_data::<web::Data<State>>();
    state.is_some_and(|state| state.trusted_proxies.forwarded_https(peer, request.headers()))
}
