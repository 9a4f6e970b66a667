//! Trace spans of an event, one for its publishing, one for its processing; and of a call to Meta.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use inbound::{DueEvent, PublishResult, UnfinishedEvent};
use kernel::ids::{AccountId, EventId, TenantId};
use kernel::{Clock, Span, SpanKind, SpanValue, Traceparent, Tracing};
use outbound::{AttemptOutcome, SettledSend};

/// The name of the queue in metrics; the real name depends on the deployment.
const DESTINATION: &str = "inbound";
/// Where messages go, as traces name it. Never a number.
const SENT_TO: &str = "whatsapp";

/// A batch that is being published.
pub(crate) struct Publishing<'a> {
    tracing: &'a Tracing,
    started: DateTime<Utc>,
    /// Of recorded traces: event, its span, and the parent span.
    steps: Vec<(EventId, Traceparent, Traceparent)>,
}

impl<'a> Publishing<'a> {
    /// Sets the trace context of each message to the span of its publishing, which is the parent of its processing.
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

    /// `result` is the broker's result; `None` if it was unavailable.
    pub(crate) fn end(self, result: Option<&PublishResult>, clock: &dyn Clock) {
        if self.steps.is_empty() {
            return;
        }
        let ended = clock.now();
        let confirmed: HashSet<&EventId> = result.iter().flat_map(|published| &published.confirmed).collect();
        for (event, at, parent) in self.steps {
            let error =
                (!confirmed.contains(&event)).then_some(if result.is_some() { "not_kept" } else { "unavailable" });
            self.tracing.record(&at, || Span {
                at,
                parent: Some(parent),
                links: Vec::new(),
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

/// The processing of an event has ended.
pub(crate) struct Processing<'a> {
    pub(crate) event: &'a UnfinishedEvent,
    /// The span of its publishing, if the message carried it.
    pub(crate) published: Option<Traceparent>,
    /// The trace of the request to send the message, if the event is a status of a message that Parley sent.
    pub(crate) sent: Option<Traceparent>,
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
                links: self.sent.filter(Traceparent::is_sampled).into_iter().collect(),
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

/// A call to Meta to send something: a child of the request to send it, however much later.
pub(crate) struct Sending<'a> {
    pub(crate) send: &'a SettledSend,
    pub(crate) tenant: TenantId,
    pub(crate) account: AccountId,
    /// The request's span.
    pub(crate) parent: Traceparent,
    pub(crate) started: DateTime<Utc>,
    pub(crate) ended: DateTime<Utc>,
}

impl Sending<'_> {
    /// Ids are Parley's own: those of WhatsApp contain phone numbers.
    pub(crate) fn record(self, tracing: &Tracing, clock: &dyn Clock) {
        let at = tracing.next(self.parent, clock);
        tracing.record(&at, || {
            let attempt = &self.send.attempt;
            let outcome = attempt.outcome.map_or("none", <&str>::from);
            let mut attributes = vec![
                ("messaging.system", "whatsapp".into()),
                ("messaging.operation.name", "send".into()),
                ("messaging.operation.type", "send".into()),
                ("messaging.destination.name", SENT_TO.into()),
                ("messaging.message.id", self.send.id.to_string().into()),
                ("parley.tenant.id", self.tenant.to_string().into()),
                ("parley.account.id", self.account.to_string().into()),
                ("parley.send.attempt", i64::from(attempt.number).into()),
                ("parley.send.outcome", outcome.into()),
                ("parley.send.state", self.send.state.into_str().into()),
            ];
            attributes
                .extend(attempt.http_status.map(|status| ("http.response.status_code", i64::from(status).into())));
            attributes.extend(attempt.code.map(|code| ("parley.send.code", code.into())));
            let error = attempt.outcome.filter(|outcome| *outcome != AttemptOutcome::Accepted);
            Span {
                at,
                parent: Some(self.parent),
                links: Vec::new(),
                name: format!("send {SENT_TO}"),
                kind: SpanKind::Client,
                started: self.started,
                ended: self.ended,
                attributes,
                error: error.map(<&str>::from),
            }
        });
    }
}

/// Attributes of OpenTelemetry's semantic conventions for messaging.
fn messaging(operation: &'static str, kind: &'static str, event: EventId) -> Vec<(&'static str, SpanValue)> {
    vec![
        ("messaging.system", "rabbitmq".into()),
        ("messaging.operation.name", operation.into()),
        ("messaging.operation.type", kind.into()),
        ("messaging.destination.name", DESTINATION.into()),
        ("messaging.message.id", event.to_string().into()),
    ]
}
