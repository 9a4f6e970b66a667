//! What happens around every request: it gets an id, a span, a line in the log and its metrics, and whatever goes wrong is
//! answered as a problem.

mod observe;
mod problems;
mod request_id;

use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{CACHE_CONTROL, HeaderMap, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, web};
use kernel::{Clock, Traceparent};
use tracing::Instrument as _;
use tracing::field::Empty;

pub use request_id::RequestId;

/// Wraps the whole application.
///
/// # Errors
/// What fails outside of any handler, as a problem, too.
pub(crate) async fn around(
    clock: web::Data<dyn Clock>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = RequestId::of(request.headers(), &**clock);
    request.extensions_mut().insert(id.clone());
    let trace = trace_of(request.headers(), &**clock);
    request.extensions_mut().insert(trace);
    // At the highest level, so that its fields are there whichever level is logged.
    let span = tracing::error_span!(
        "request", request_id = %id, trace_id = trace.trace_id(), tenant_id = Empty, user_id = Empty
    );
    async move {
        let started = Instant::now();
        let method = observe::method_label(request.method());
        let response = next.call(request).await.map_err(|error| problems::outside_of_handlers(&error, &id))?;
        let mut response = problems::complete(response, &id);
        add_headers(response.headers_mut(), &id);
        observe::note(&response, method, started.elapsed());
        Ok(response)
    }
    .instrument(span)
    .await
}

/// The next span of the caller's trace, or the beginning of one.
fn trace_of(headers: &HeaderMap, clock: &dyn Clock) -> Traceparent {
    let given = headers.get("traceparent").and_then(|value| value.to_str().ok()?.parse::<Traceparent>().ok());
    given.map_or_else(|| Traceparent::start(clock), |trace| trace.child(clock))
}

fn add_headers(headers: &mut HeaderMap, id: &RequestId) {
    if let Some(id) = id.to_header() {
        headers.insert(RequestId::HEADER, id);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Tokens and personal data: whoever answers something that may be kept says so.
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}
