//! What traces show of an event's way: that it was published, and that it was processed.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use inbound::{DueEvent, Published, QueuedEvent};
use kernel::ids::EventId;
use kernel::{Clock, Span, SpanKind, SpanValue, Traceparent, Tracing};

/// As the metrics call the queue: its name depends on the deployment.
const DESTINATION: &str = "inbound";

/// A batch on its way to the broker.
pub(crate) struct Publishing<'a> {
    tracing: &'a Tracing,
    started: DateTime<Utc>,
    /// Of those that are recorded: the step, and what caused it.
    steps: Vec<(EventId, Traceparent, Traceparent)>,
}

impl<'a> Publishing<'a> {
    /// From here on, the messages carry the context of their publishing: it is what their processing is caused by.
    pub(crate) fn begin(tracing: &'a Tracing, events: &mut [DueEvent], clock: &dyn Clock) -> Self {
        let mut steps = Vec::new();
        for event in events {
            if let Some(parent) = event.trace().filter(|trace| tracing.records(trace)) {
                let at = tracing.next(parent, clock);
                event.traceparent = Some(at.to_string());
                steps.push((event.id, at, parent));
            }
        }
        Self { tracing, started: clock.now(), steps }
    }

    /// What the broker said; nothing if it was away.
    pub(crate) fn end(self, answer: Option<&Published>, clock: &dyn Clock) {
        if self.steps.is_empty() {
            return;
        }
        let ended = clock.now();
        let kept: HashSet<&EventId> = answer.iter().flat_map(|published| &published.kept).collect();
        for (event, at, parent) in self.steps {
            let error = (!kept.contains(&event)).then_some(if answer.is_some() { "not_kept" } else { "unavailable" });
            self.tracing.record(&at, || Span {
                at,
                parent: Some(parent),
                name: format!("publish {DESTINATION}"),
                kind: SpanKind::Producer,
                started: self.started,
                ended,
                attributes: messaging("publish", "send", event),
                error,
            });
        }
    }
}

/// An event whose processing came to an end, well or not.
pub(crate) struct Processing<'a> {
    pub(crate) event: &'a QueuedEvent,
    /// The step that it was published in, where the message said so.
    pub(crate) published: Option<Traceparent>,
    pub(crate) started: DateTime<Utc>,
    pub(crate) ended: DateTime<Utc>,
    pub(crate) outcome: &'static str,
    pub(crate) error: Option<&'static str>,
}

impl Processing<'_> {
    pub(crate) fn record(self, tracing: &Tracing, clock: &dyn Clock) {
        let Some(parent) = self.published.or_else(|| self.event.trace()) else { return };
        let at = tracing.next(parent, clock);
        tracing.record(&at, || {
            let mut attributes = messaging("process", "process", self.event.id);
            attributes.extend(self.event.tenant.map(|tenant| ("parley.tenant.id", tenant.to_string().into())));
            attributes.push(("parley.event.kind", self.event.kind.label().into()));
            attributes.push(("parley.event.attempt", i64::from(self.event.attempts + 1).into()));
            attributes.push(("parley.event.outcome", self.outcome.into()));
            Span {
                at,
                parent: Some(parent),
                name: format!("process {DESTINATION}"),
                kind: SpanKind::Consumer,
                started: self.started,
                ended: self.ended,
                attributes,
                error: self.error,
            }
        });
    }
}

/// Named by OpenTelemetry's semantic conventions for messaging.
fn messaging(operation: &'static str, kind: &'static str, event: EventId) -> Vec<(&'static str, SpanValue)> {
    vec![
        ("messaging.system", "rabbitmq".into()),
        ("messaging.operation.name", operation.into()),
        ("messaging.operation.type", kind.into()),
        ("messaging.destination.name", DESTINATION.into()),
        ("messaging.message.id", event.to_string().into()),
    ]
}
