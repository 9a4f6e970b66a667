//! The OpenTelemetry protocol (OTLP 1.x) in its JSON encoding: a request that hands over spans. Ids are hexadecimal,
//! enumerations numbers, and 64-bit numbers strings.

use chrono::{DateTime, Utc};
use kernel::{Span, SpanKind, SpanValue};
use serde::Serialize;

/// `ExportTraceServiceRequest`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Export<'a> {
    resource_spans: [ResourceSpans<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResourceSpans<'a> {
    resource: Resource<'a>,
    scope_spans: [ScopeSpans<'a>; 1],
}

/// The process that the spans are of.
#[derive(Clone, Serialize)]
pub(super) struct Resource<'a> {
    attributes: Vec<Attribute<'a>>,
}

#[derive(Serialize)]
struct ScopeSpans<'a> {
    scope: Scope,
    spans: Vec<OtlpSpan<'a>>,
}

#[derive(Serialize)]
struct Scope {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OtlpSpan<'a> {
    trace_id: String,
    span_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_span_id: Option<String>,
    /// W3C trace flags: recorded.
    flags: u32,
    name: &'a str,
    kind: u8,
    start_time_unix_nano: String,
    end_time_unix_nano: String,
    attributes: Vec<Attribute<'a>>,
    status: Status,
}

#[derive(Clone, Serialize)]
struct Attribute<'a> {
    key: &'a str,
    value: AnyValue<'a>,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
enum AnyValue<'a> {
    #[serde(rename = "stringValue")]
    Text(&'a str),
    #[serde(rename = "intValue")]
    Number(String),
}

/// Unset, which means that nothing is known to be wrong, or an error.
#[derive(Serialize)]
struct Status {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u8>,
}

const ERROR: u8 = 2;
const SAMPLED: u32 = 1;

impl<'a> Resource<'a> {
    pub(super) fn of(instance: &'a str) -> Self {
        let text = |key, value| Attribute { key, value: AnyValue::Text(value) };
        let attributes = vec![
            text("service.name", "parley"),
            text("service.version", env!("CARGO_PKG_VERSION")),
            text("service.instance.id", instance),
        ];
        Self { attributes }
    }
}

impl<'a> Export<'a> {
    pub(super) fn of(resource: Resource<'a>, spans: &'a [Span]) -> Self {
        let scope = Scope { name: "parley", version: env!("CARGO_PKG_VERSION") };
        let scope_spans = ScopeSpans { scope, spans: spans.iter().map(OtlpSpan::of).collect() };
        Self { resource_spans: [ResourceSpans { resource, scope_spans: [scope_spans] }] }
    }
}

impl<'a> OtlpSpan<'a> {
    fn of(span: &'a Span) -> Self {
        let mut attributes: Vec<_> = span.attributes.iter().map(|(key, value)| attribute(key, value)).collect();
        attributes.extend(span.error.map(|error| Attribute { key: "error.type", value: AnyValue::Text(error) }));
        Self {
            trace_id: span.at.trace_id(),
            span_id: span.at.span_id(),
            parent_span_id: span.parent.map(|parent| parent.span_id()),
            flags: SAMPLED,
            name: &span.name,
            kind: number_of(span.kind),
            start_time_unix_nano: nanoseconds(span.started),
            end_time_unix_nano: nanoseconds(span.ended.max(span.started)),
            attributes,
            status: Status { code: span.error.map(|_| ERROR) },
        }
    }
}

fn attribute<'a>(key: &'a str, value: &'a SpanValue) -> Attribute<'a> {
    let value = match value {
        SpanValue::Text(text) => AnyValue::Text(text),
        SpanValue::Number(number) => AnyValue::Number(number.to_string()),
    };
    Attribute { key, value }
}

/// `SPAN_KIND_*`.
const fn number_of(kind: SpanKind) -> u8 {
    match kind {
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Producer => 4,
        SpanKind::Consumer => 5,
    }
}

fn nanoseconds(time: DateTime<Utc>) -> String {
    time.timestamp_nanos_opt().unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    use kernel::Traceparent;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_span_is_what_the_protocol_describes() {
        let at: Traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap();
        let parent: Traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-b7ad6b7169203331-01".parse().unwrap();
        let span = Span {
            at,
            parent: Some(parent),
            name: "POST /x".to_owned(),
            kind: SpanKind::Server,
            started: DateTime::from_timestamp(1, 5_000).unwrap(),
            ended: DateTime::from_timestamp(2, 0).unwrap(),
            attributes: vec![("http.response.status_code", 503.into()), ("http.route", "/x".into())],
            error: Some("503"),
        };
        let spans = [span];
        let export: Value = serde_json::to_value(Export::of(Resource::of("i"), &spans)).unwrap();
        assert_eq!(export["resourceSpans"][0]["resource"]["attributes"][0]["value"], json!({"stringValue": "parley"}));
        let expected = json!({
            "traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": "00f067aa0ba902b7",
            "parentSpanId": "b7ad6b7169203331", "flags": 1, "name": "POST /x", "kind": 2,
            "startTimeUnixNano": "1000005000", "endTimeUnixNano": "2000000000",
            "attributes": [
                {"key": "http.response.status_code", "value": {"intValue": "503"}},
                {"key": "http.route", "value": {"stringValue": "/x"}},
                {"key": "error.type", "value": {"stringValue": "503"}},
            ],
            "status": {"code": 2},
        });
        assert_eq!(export["resourceSpans"][0]["scopeSpans"][0]["spans"][0], expected);
    }
}
