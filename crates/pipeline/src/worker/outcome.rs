use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use flows::{AfterFailure, EventFailure, Processed};
use inbound::{Delivery, ErrorClass, QueuedEvent};
use kernel::ids::EventId;
use kernel::{Clock, Traceparent, Tracing};
use metrics::{counter, histogram};
use tracing::{debug, error, info, warn};

use crate::metrics::{DEAD_LETTERED, END_TO_END, EVENTS, PROCESSING, RETRIES};
use crate::spans::Processing;

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Nothing is to be done now: it is finished, or its next attempt is later.
    AlreadyDone,
    Processed,
    /// It failed, and the ledger knows when to try again.
    Retried,
    /// It is a dead letter.
    Buried,
}

/// What became of the events of a group, and the one place where it is told to logs and metrics.
pub(super) struct Outcomes {
    known: HashMap<EventId, Outcome>,
    /// The steps that the events were published in, of those that are traced.
    published: HashMap<EventId, Traceparent>,
    tracing: Tracing,
    clock: Arc<dyn Clock>,
}

/// When a group was begun, by both clocks: the one of records, and the one that only goes forward.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begun {
    at: DateTime<Utc>,
    instant: Instant,
}

impl Begun {
    pub(super) fn now(clock: &dyn Clock) -> Self {
        Self { at: clock.now(), instant: Instant::now() }
    }
}

impl Outcomes {
    pub(super) fn new(deliveries: &[Delivery], tracing: Tracing, clock: Arc<dyn Clock>) -> Self {
        let traced = |delivery: &Delivery| Some((delivery.event, delivery.trace?));
        let published = deliveries.iter().filter_map(traced).filter(|(_, trace)| tracing.records(trace)).collect();
        Self { known: HashMap::new(), published, tracing, clock }
    }

    pub(super) fn get(&self, event: EventId) -> Option<Outcome> {
        self.known.get(&event).copied()
    }

    pub(super) fn note_all(&mut self, events: impl Iterator<Item = EventId>, outcome: Outcome) {
        self.known.extend(events.map(|event| (event, outcome)));
    }

    /// A committed group, and since when it was worked at.
    pub(super) fn note_processed(&mut self, processed: &Processed, events: &[QueuedEvent], begun: Begun) {
        self.note_all(processed.finished.iter().copied(), Outcome::Processed);
        let reasons: HashMap<EventId, &str> =
            processed.buried.iter().map(|buried| (buried.event, buried.reason.as_str())).collect();
        self.note_all(reasons.keys().copied(), Outcome::Buried);
        let (ours, left_alone): (Vec<_>, Vec<_>) = events.iter().partition(|event| self.get(event.id).is_some());
        self.note_all(left_alone.into_iter().map(|event| event.id), Outcome::AlreadyDone);
        for event in ours {
            let (kind, reason) = (event.kind.label(), reasons.get(&event.id));
            let outcome = if reason.is_some() { "dead_letter" } else { "processed" };
            let error = reason.map(|_| ErrorClass::Permanent.key());
            let age = self.measure(event, begun, outcome, error);
            if let Some(reason) = reason {
                note_dead_letter(event, ErrorClass::Permanent, reason);
            } else {
                counter!(EVENTS, "kind" => kind, "outcome" => outcome).increment(1);
                let (age_ms, attempt) = (age.as_millis(), event.attempts + 1);
                info!(event_id = %event.id, trace_id = event.trace_id(), kind = event.kind.as_str(), attempt, age_ms, "processed");
            }
        }
        debug!(events = processed.finished.len(), messages = processed.messages, "committed");
    }

    /// An event that failed by itself, its outcome written down.
    pub(super) fn note_failed(
        &mut self,
        event: &QueuedEvent,
        after: AfterFailure,
        failure: &EventFailure,
        begun: Begun,
    ) {
        let EventFailure { class, reason } = failure;
        let outcome = match after {
            AfterFailure::AlreadyDone => Outcome::AlreadyDone,
            AfterFailure::Buried => {
                note_dead_letter(event, *class, reason);
                self.measure(event, begun, "dead_letter", Some(class.key()));
                Outcome::Buried
            }
            AfterFailure::Retried => {
                let attempt = event.attempts + 1;
                warn!(event_id = %event.id, trace_id = event.trace_id(), attempt, class = class.key(), reason, "the event is tried again later");
                counter!(RETRIES, "kind" => event.kind.label(), "reason" => class.key()).increment(1);
                self.measure(event, begun, "retried", Some(class.key()));
                Outcome::Retried
            }
        };
        self.known.insert(event.id, outcome);
    }

    /// How long it took, now that its outcome is committed; answers how old the event is.
    fn measure(
        &self,
        event: &QueuedEvent,
        begun: Begun,
        outcome: &'static str,
        error: Option<&'static str>,
    ) -> Duration {
        let (kind, now) = (event.kind.label(), self.clock.now());
        let age = (now - event.received_at).to_std().unwrap_or(Duration::ZERO);
        histogram!(PROCESSING, "kind" => kind, "outcome" => outcome).record(begun.instant.elapsed());
        if outcome != "retried" {
            histogram!(END_TO_END, "kind" => kind, "outcome" => outcome).record(age);
        }
        let published = self.published.get(&event.id).copied();
        let processing = Processing { event, published, started: begun.at, ended: now, outcome, error };
        processing.record(&self.tracing, &*self.clock);
        age
    }
}

/// Whether it made no sense at once or failed too often.
fn note_dead_letter(event: &QueuedEvent, class: ErrorClass, reason: &str) {
    let attempt = event.attempts + 1;
    error!(event_id = %event.id, trace_id = event.trace_id(), attempt, class = class.key(), reason, "the event is a dead letter");
    counter!(EVENTS, "kind" => event.kind.label(), "outcome" => "dead_letter").increment(1);
    counter!(DEAD_LETTERED, "kind" => event.kind.label(), "reason" => class.key()).increment(1);
}
