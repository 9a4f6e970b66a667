use std::fmt;
use std::io::Write as _;

use chrono::{DateTime, Utc};
use kernel::Clock;
use serde::Serialize;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, Scope};

/// Writes each event as one flat JSON object a line. It includes the fields of the enclosing spans, such as `request_id`, so
/// that a log store finds all lines of a request.
#[derive(Debug)]
pub(crate) struct JsonLines<W, C> {
    writer: W,
    clock: C,
}

impl<W, C> JsonLines<W, C> {
    pub(crate) const fn new(writer: W, clock: C) -> Self {
        Self { writer, clock }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    timestamp: DateTime<Utc>,
    level: &'a str,
    message: Value,
    target: &'a str,
    #[serde(flatten)]
    fields: Fields,
}

/// The fields of a span or an event; a later value replaces an earlier one.
#[derive(Clone, Default, Serialize)]
#[serde(transparent)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.put(field, value.to_string());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
}

impl<S, W, C> Layer<S> for JsonLines<W, C>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    W: for<'writer> MakeWriter<'writer> + 'static,
    C: Clock + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            record.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        for span in context.event_scope(event).into_iter().flat_map(Scope::from_root) {
            if let Some(inherited) = span.extensions().get::<Fields>() {
                fields.0.extend(inherited.0.clone());
            }
        }
        event.record(&mut fields);
        let metadata = event.metadata();
        let line = Line {
            timestamp: self.clock.now(),
            level: metadata.level().as_str(),
            message: fields.0.remove("message").unwrap_or_default(),
            target: metadata.target(),
            fields,
        };
        if let Ok(mut bytes) = serde_json::to_vec(&line) {
            bytes.push(b'\n');
            // In one write, so that lines of two threads do not mix. A failed write of the log cannot be logged.
            let _ = self.writer.make_writer_for(metadata).write_all(&bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use kernel::ManualClock;
    use serde_json::json;
    use tracing::field::Empty;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn line_has_the_fields_of_the_enclosing_spans() {
        let memory = Memory::default();
        let writer = memory.clone();
        let clock = ManualClock::starting_at(DateTime::UNIX_EPOCH);
        let subscriber = tracing_subscriber::registry().with(JsonLines::new(move || writer.clone(), clock));
        tracing::subscriber::with_default(subscriber, || {
            let request = tracing::info_span!("request", request_id = "r1", tenant_id = Empty, user_id = Empty);
            let _request = request.enter();
            request.record("tenant_id", "t1");
            tracing::info_span!("inner", attempt = 2).in_scope(|| tracing::warn!(ok = false, "failed {}", "twice"));
        });
        let line: Value = serde_json::from_slice(&memory.0.lock().unwrap()).unwrap();
        let target = "telemetry::json::tests";
        let expected = json!({
            "timestamp": "1970-01-01T00:00:00Z", "level": "WARN", "message": "failed twice", "target": target,
            "request_id": "r1", "tenant_id": "t1", "attempt": 2, "ok": false,
        });
        assert_eq!(line, expected);
    }
}
