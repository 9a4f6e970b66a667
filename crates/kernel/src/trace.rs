use std::fmt::Debug;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::{Clock, Traceparent};

/// A finished span. It contains no personal data, since those who may see traces may not read messages.
#[derive(Clone, Debug)]
pub struct Span {
    /// This span; its children name it as their parent.
    pub at: Traceparent,
    /// `None` for the root span.
    pub parent: Option<Traceparent>,
    /// Spans of other traces that caused this one.
    pub links: Vec<Traceparent>,
    pub name: String,
    pub kind: SpanKind,
    pub started: DateTime<Utc>,
    pub ended: DateTime<Utc>,
    /// Named by the semantic conventions of OpenTelemetry where these define a name.
    pub attributes: Vec<(&'static str, SpanValue)>,
    /// The class of the error if the operation failed, of a small set of values.
    pub error: Option<&'static str>,
}

/// The kind of a span, as OpenTelemetry defines it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    Internal,
    /// A request that this process handled.
    Server,
    /// A request of this process to another.
    Client,
    /// A message that this process sent.
    Producer,
    /// A message that this process received.
    Consumer,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpanValue {
    Text(String),
    Number(i64),
}

impl From<&str> for SpanValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for SpanValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for SpanValue {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

/// The destination of finished spans.
pub trait SpanSink: Send + Sync + Debug {
    /// Neither waits nor fails: a span is dropped when the buffer is full.
    fn record(&self, span: Span);
}

/// Samples traces and passes their spans to a sink. Costs nothing when off.
#[derive(Clone, Debug, Default)]
pub struct Tracing(Option<Recording>);

#[derive(Clone, Debug)]
struct Recording {
    sink: Arc<dyn SpanSink>,
    ratio: f64,
}

impl Tracing {
    /// Records no spans.
    #[must_use]
    pub const fn off() -> Self {
        Self(None)
    }

    /// Records this share of the traces that begin here, from 0 to 1; traces from elsewhere carry their own decision.
    #[must_use]
    pub fn to(sink: Arc<dyn SpanSink>, ratio: f64) -> Self {
        Self(Some(Recording { sink, ratio }))
    }

    /// Starts a trace.
    #[must_use]
    pub fn start(&self, clock: &dyn Clock) -> Traceparent {
        let trace = Traceparent::start(clock);
        trace.sampled(self.0.as_ref().is_some_and(|recording| trace.lot() < recording.ratio))
    }

    /// Whether spans of this trace are recorded.
    #[must_use]
    pub const fn records(&self, trace: &Traceparent) -> bool {
        self.0.is_some() && trace.is_sampled()
    }

    /// A child span of a recorded trace; otherwise the same span.
    #[must_use]
    pub fn next(&self, trace: Traceparent, clock: &dyn Clock) -> Traceparent {
        if self.records(&trace) { trace.child(clock) } else { trace }
    }

    /// Records a span; `span` is called only if its trace is recorded.
    pub fn record(&self, trace: &Traceparent, span: impl FnOnce() -> Span) {
        if let Some(recording) = self.0.as_ref().filter(|_| trace.is_sampled()) {
            recording.sink.record(span());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemClock;

    #[derive(Debug)]
    struct Nowhere;

    impl SpanSink for Nowhere {
        fn record(&self, _: Span) {}
    }

    #[test]
    fn traces_are_sampled_at_the_configured_ratio() {
        let clock = SystemClock::new();
        let recorded = |ratio| {
            let tracing = Tracing::to(Arc::new(Nowhere), ratio);
            (0..1_000).filter(|_| tracing.records(&tracing.start(&clock))).count()
        };
        assert_eq!((recorded(0.0), recorded(1.0)), (0, 1_000));
        assert!((350..650).contains(&recorded(0.5)), "about half of them");
    }

    #[test]
    fn remote_trace_keeps_its_own_sampling_decision() {
        let (clock, tracing) = (SystemClock::new(), Tracing::to(Arc::new(Nowhere), 0.0));
        let theirs = Traceparent::start(&clock).sampled(true);
        assert!(tracing.records(&theirs) && tracing.next(theirs, &clock) != theirs);
        assert!(!Tracing::off().records(&theirs) && Tracing::off().next(theirs, &clock) == theirs);
        assert!(!Tracing::off().start(&clock).is_sampled(), "other processes do not record what this one does not");
    }
}
