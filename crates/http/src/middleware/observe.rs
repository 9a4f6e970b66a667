use std::time::Duration;

use actix_web::body::BoxBody;
use actix_web::dev::ServiceResponse;
use actix_web::http::Method;
use chrono::{DateTime, Utc};
use kernel::{Span, SpanKind, Traceparent};
use metrics::{counter, histogram};

use crate::metrics::{HTTP_REQUEST_DURATION, HTTP_REQUESTS};

/// Label for requests without a route. Labels use the route's template, never the path, which is unbounded.
const UNMATCHED: &str = "unmatched";

/// Logs the request and records its metrics.
pub(super) fn record(response: &ServiceResponse<BoxBody>, method: &'static str, took: Duration) {
    let route = response.request().match_pattern().unwrap_or_else(|| UNMATCHED.to_owned());
    let status = response.status().as_u16();
    // Rounded to microseconds.
    let duration_ms = (took.as_secs_f64() * 1_000_000.0).round() / 1_000.0;
    tracing::info!(method, route, status, duration_ms, "request");
    let labels = [("route", route), ("method", method.to_owned()), ("status", status.to_string())];
    counter!(HTTP_REQUESTS, &labels).increment(1);
    histogram!(HTTP_REQUEST_DURATION, &labels).record(took);
}

/// The request's span, named by OpenTelemetry's semantic conventions for HTTP.
pub(super) fn span(
    response: &ServiceResponse<BoxBody>,
    method: &'static str,
    at: Traceparent,
    parent: Option<Traceparent>,
    started: DateTime<Utc>,
    ended: DateTime<Utc>,
) -> Span {
    let (route, status) = (response.request().match_pattern(), response.status());
    // The convention's name for an unknown method.
    let named = if method == OTHER { "_OTHER" } else { method };
    let name = route.as_ref().map_or_else(|| named.to_owned(), |route| format!("{named} {route}"));
    let mut attributes = vec![
        ("http.request.method", named.into()),
        ("http.response.status_code", i64::from(status.as_u16()).into()),
        ("url.scheme", "http".into()),
    ];
    attributes.extend(route.map(|route| ("http.route", route.into())));
    let error = status.is_server_error().then_some("server_error");
    Span { at, parent, links: Vec::new(), name, kind: SpanKind::Server, started, ended, attributes, error }
}

const OTHER: &str = "other";

/// One of a closed set of values, whatever method is sent.
pub(super) fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => OTHER,
    }
}
