//! Converts spans to those of OpenTelemetry's SDK.

use std::borrow::Cow;

use kernel::{Span, SpanKind, SpanValue, Traceparent};
use opentelemetry::trace::{self, Link, SpanContext, SpanId, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

/// The span as the SDK's processors take it.
pub(super) fn span_data(span: Span) -> SpanData {
    let mut attributes: Vec<KeyValue> = span.attributes.into_iter().map(|(key, value)| attribute(key, value)).collect();
    attributes.extend(span.error.map(|error| KeyValue::new("error.type", error)));
    let (trace, id) = ids(span.at);
    SpanData {
        span_context: SpanContext::new(trace, id, TraceFlags::SAMPLED, false, TraceState::NONE),
        parent_span_id: span.parent.map_or(SpanId::INVALID, |parent| ids(parent).1),
        parent_span_is_remote: matches!(span.kind, SpanKind::Server | SpanKind::Consumer),
        span_kind: kind(span.kind),
        name: Cow::Owned(span.name),
        start_time: span.started.into(),
        end_time: span.ended.max(span.started).into(),
        attributes,
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: links(&span.links),
        status: span.error.map_or(Status::Unset, Status::error),
        instrumentation_scope: InstrumentationScope::builder("parley").with_version(env!("CARGO_PKG_VERSION")).build(),
    }
}

fn links(of: &[Traceparent]) -> SpanLinks {
    let context = |at: &Traceparent| {
        let (trace, id) = ids(*at);
        SpanContext::new(trace, id, TraceFlags::SAMPLED, true, TraceState::NONE)
    };
    let mut links = SpanLinks::default();
    links.links = of.iter().map(|at| Link::with_context(context(at))).collect();
    links
}

fn ids(at: Traceparent) -> (TraceId, SpanId) {
    (TraceId::from_bytes(at.trace_bytes()), SpanId::from_bytes(at.span_bytes()))
}

fn attribute(key: &'static str, value: SpanValue) -> KeyValue {
    match value {
        SpanValue::Text(text) => KeyValue::new(key, text),
        SpanValue::Number(number) => KeyValue::new(key, number),
    }
}

const fn kind(kind: SpanKind) -> trace::SpanKind {
    match kind {
        SpanKind::Internal => trace::SpanKind::Internal,
        SpanKind::Server => trace::SpanKind::Server,
        SpanKind::Client => trace::SpanKind::Client,
        SpanKind::Producer => trace::SpanKind::Producer,
        SpanKind::Consumer => trace::SpanKind::Consumer,
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn span_keeps_ids_times_and_attributes() {
        let at: Traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap();
        let parent: Traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-b7ad6b7169203331-01".parse().unwrap();
        let other: Traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".parse().unwrap();
        let data = span_data(Span {
            at,
            parent: Some(parent),
            links: vec![other],
            name: "POST /x".to_owned(),
            kind: SpanKind::Server,
            started: DateTime::from_timestamp(2, 0).unwrap(),
            ended: DateTime::from_timestamp(1, 0).unwrap(),
            attributes: vec![("http.response.status_code", 503.into()), ("http.route", "/x".into())],
            error: Some("503"),
        });
        assert_eq!(data.span_context.trace_id().to_string(), at.trace_id());
        assert_eq!(data.span_context.span_id().to_string(), at.span_id());
        let [link] = &data.links.links[..] else { panic!("one link") };
        assert_eq!(link.span_context.trace_id().to_string(), other.trace_id());
        assert_eq!(data.parent_span_id.to_string(), parent.span_id());
        assert_eq!((data.status, data.end_time), (Status::error("503"), data.start_time));
        let expected = [
            KeyValue::new("http.response.status_code", 503),
            KeyValue::new("http.route", "/x"),
            KeyValue::new("error.type", "503"),
        ];
        assert_eq!(data.attributes, expected);
    }
}
