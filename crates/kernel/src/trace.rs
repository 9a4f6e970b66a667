use std::fmt::Debug;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::{Clock, Traceparent};

/// A step that is over, as a trace shows it. Carries no personal data: whoever may see traces may not read messages.
#[derive(Clone, Debug)]
pub struct Span {
    /// The step itself; what it caused names it as its parent.
    pub at: Traceparent,
    /// What caused it; nothing for the first step of a trace.
    pub parent: Option<Traceparent>,
    pub name: String,
    pub kind: SpanKind,
    pub started: DateTime<Utc>,
    pub ended: DateTime<Utc>,
    /// Named by the semantic conventions of OpenTelemetry where they have a name.
    pub attributes: Vec<(&'static str, SpanValue)>,
    /// Of what kind the failure was, if it failed: one of a few words.
    pub error: Option<&'static str>,
}

/// What a step was to the process that did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    Internal,
    /// A request that was answered.
    Server,
    /// A message that was sent.
    Producer,
    /// A message that was received.
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

/// Where spans go.
pub trait SpanSink: Send + Sync + Debug {
    /// Neither waits nor fails: a span that there is no room for is lost.
    fn record(&self, span: Span);
}

/// Decides which traces are recorded, and passes their spans on. Off, it costs nothing.
#[derive(Clone, Debug, Default)]
pub struct Tracing(Option<Recording>);

#[derive(Clone, Debug)]
struct Recording {
    sink: Arc<dyn SpanSink>,
    ratio: f64,
}

impl Tracing {
    /// Nothing is recorded.
    #[must_use]
    pub const fn off() -> Self {
        Self(None)
    }

    /// Of the traces that begin here this share is recorded, from 0 to 1; of those that began elsewhere, what they say.
    #[must_use]
    pub fn to(sink: Arc<dyn SpanSink>, ratio: f64) -> Self {
        Self(Some(Recording { sink, ratio }))
    }

    /// The beginning of a trace.
    #[must_use]
    pub fn start(&self, clock: &dyn Clock) -> Traceparent {
        let trace = Traceparent::start(clock);
        trace.sampled(self.0.as_ref().is_some_and(|recording| trace.lot() < recording.ratio))
    }

    /// Whether spans of this trace go anywhere.
    #[must_use]
    pub const fn records(&self, trace: &Traceparent) -> bool {
        self.0.is_some() && trace.is_sampled()
    }

    /// The next step of a trace; the same one where nobody records it.
    #[must_use]
    pub fn next(&self, trace: Traceparent, clock: &dyn Clock) -> Traceparent {
        if self.records(&trace) { trace.child(clock) } else { trace }
    }

    /// Passes a span on; `span` is asked only where its trace is recorded.
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
    fn about_the_share_is_recorded_that_was_asked_for() {
        let clock = SystemClock::new();
        let recorded = |ratio| {
            let tracing = Tracing::to(Arc::new(Nowhere), ratio);
            (0..1_000).filter(|_| tracing.records(&tracing.start(&clock))).count()
        };
        assert_eq!((recorded(0.0), recorded(1.0)), (0, 1_000));
        assert!((350..650).contains(&recorded(0.5)), "half of them, more or less");
    }

    #[test]
    fn a_trace_that_began_elsewhere_says_itself_whether_it_is_recorded() {
        let (clock, tracing) = (SystemClock::new(), Tracing::to(Arc::new(Nowhere), 0.0));
        let theirs = Traceparent::start(&clock).sampled(true);
        assert!(tracing.records(&theirs) && tracing.next(theirs, &clock) != theirs);
        assert!(!Tracing::off().records(&theirs) && Tracing::off().next(theirs, &clock) == theirs);
        assert!(!Tracing::off().start(&clock).is_sampled(), "nobody else is told to record what we do not");
    }
}
