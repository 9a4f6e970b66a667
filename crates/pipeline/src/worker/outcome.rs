use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use flows::{EventFailure, FailureOutcome, ProcessedEvents};
use inbound::{ErrorClass, QueueMessage, UnfinishedEvent};
use kernel::ids::EventId;
use kernel::{Clock, Traceparent, Tracing};
use metrics::{counter, histogram};
use tracing::{debug, error, info, warn};

use crate::metrics::{
    DEAD_LETTERED, END_TO_END, EVENTS, PROCESSING, RETRIES, SEND_ACCEPTED, SEND_DELIVERED, SENDING_PAUSES,
};
use crate::spans::Processing;

/// What happened to an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is finished already, or its next attempt is later.
    NothingToDo,
    Processed,
    /// It failed; the ledger has the time of the next attempt.
    RetryScheduled,
    DeadLettered,
}

/// What happened to the events of a batch. The only place that reports it to logs, metrics and traces.
pub(super) struct Outcomes {
    by_event: HashMap<EventId, Outcome>,
    /// Events that were not processed because they took too long together.
    timed_out: Vec<UnfinishedEvent>,
    /// The trace contexts in which the events were published, for those that are traced.
    published: HashMap<EventId, Traceparent>,
    /// The traces in which messages were sent of which events are statuses.
    sent: HashMap<EventId, Traceparent>,
    tracing: Tracing,
    clock: Arc<dyn Clock>,
}

/// When a batch was started, by the wall clock and by the monotonic clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct StartTime {
    at: DateTime<Utc>,
    instant: Instant,
}

impl StartTime {
    pub(super) fn now(clock: &dyn Clock) -> Self {
        Self { at: clock.now(), instant: Instant::now() }
    }
}

impl Outcomes {
    pub(super) fn new(messages: &[QueueMessage], tracing: Tracing, clock: Arc<dyn Clock>) -> Self {
        let traced = |message: &QueueMessage| Some((message.event, message.trace?));
        let published = messages.iter().filter_map(traced).filter(|(_, trace)| tracing.records(trace)).collect();
        Self { by_event: HashMap::new(), timed_out: Vec::new(), published, sent: HashMap::new(), tracing, clock }
    }

    pub(super) fn get(&self, event: EventId) -> Option<Outcome> {
        self.by_event.get(&event).copied()
    }

    pub(super) fn set_all(&mut self, events: impl Iterator<Item = EventId>, outcome: Outcome) {
        self.by_event.extend(events.map(|event| (event, outcome)));
    }

    /// A batch took too long. Its events have no outcome yet: they are to be processed alone.
    pub(super) fn record_timed_out(&mut self, events: Vec<UnfinishedEvent>) {
        self.timed_out.extend(events);
    }

    pub(super) fn take_timed_out(&mut self) -> Vec<UnfinishedEvent> {
        std::mem::take(&mut self.timed_out)
    }

    /// A batch was committed.
    pub(super) fn record_processed(
        &mut self,
        processed: &ProcessedEvents,
        events: &[UnfinishedEvent],
        started: StartTime,
    ) {
        self.set_all(processed.finished.iter().copied(), Outcome::Processed);
        self.note_sent(processed);
        let reasons: HashMap<EventId, &str> =
            processed.dead_letters.iter().map(|dead_letter| (dead_letter.event, dead_letter.reason.as_str())).collect();
        self.set_all(reasons.keys().copied(), Outcome::DeadLettered);
        let (ours, left_alone): (Vec<_>, Vec<_>) = events.iter().partition(|event| self.get(event.id).is_some());
        self.set_all(left_alone.into_iter().map(|event| event.id), Outcome::NothingToDo);
        for event in ours {
            let (kind, reason) = (event.kind.label(), reasons.get(&event.id));
            let outcome = if reason.is_some() { "dead_letter" } else { "processed" };
            let error = reason.map(|_| ErrorClass::Permanent.into_str());
            let age = self.measure(event, started, outcome, error);
            if let Some(reason) = reason {
                report_dead_letter(event, ErrorClass::Permanent, reason);
            } else {
                counter!(EVENTS, "kind" => kind, "outcome" => outcome).increment(1);
                let (age_ms, attempt) = (age.as_millis(), event.attempts + 1);
                info!(event_id = %event.id, trace_id = event.trace_id(), kind = event.kind.as_str(), attempt, age_ms, "processed");
            }
        }
        debug!(events = processed.finished.len(), messages = processed.messages, "committed");
    }

    /// What statuses and failures of messages that Parley sent have brought.
    fn note_sent(&mut self, processed: &ProcessedEvents) {
        for told in &processed.told {
            self.sent.extend(told.trace.map(|trace| (told.event, trace)));
            if let Some(after) = told.delivered_after {
                histogram!(SEND_DELIVERED).record(after.to_std().unwrap_or_default());
            }
            if let Some(after) = told.accepted_after {
                histogram!(SEND_ACCEPTED).record(after.to_std().unwrap_or_default());
            }
        }
        for pause in &processed.pauses {
            counter!(SENDING_PAUSES, "scope" => pause.scope.into_str()).increment(1);
            info!(account_id = %pause.account, scope = pause.scope.into_str(), code = pause.code,
                  class = pause.class.into_str(), "sending paused");
        }
    }

    /// The failure of a single event was recorded.
    pub(super) fn record_failed(
        &mut self,
        event: &UnfinishedEvent,
        after: FailureOutcome,
        failure: &EventFailure,
        started: StartTime,
    ) {
        let EventFailure { class, reason } = failure;
        let outcome = match after {
            FailureOutcome::AlreadyDone => Outcome::NothingToDo,
            FailureOutcome::DeadLettered => {
                report_dead_letter(event, *class, reason);
                self.measure(event, started, "dead_letter", Some(class.into_str()));
                Outcome::DeadLettered
            }
            FailureOutcome::Retried => {
                let attempt = event.attempts + 1;
                warn!(event_id = %event.id, trace_id = event.trace_id(), attempt, class = class.into_str(), reason, "processing failed; retry scheduled");
                counter!(RETRIES, "kind" => event.kind.label(), "reason" => class.into_str()).increment(1);
                self.measure(event, started, "retried", Some(class.into_str()));
                Outcome::RetryScheduled
            }
        };
        self.by_event.insert(event.id, outcome);
    }

    /// Records how long it took; returns the age of the event.
    fn measure(
        &self,
        event: &UnfinishedEvent,
        started: StartTime,
        outcome: &'static str,
        error: Option<&'static str>,
    ) -> Duration {
        let (kind, now) = (event.kind.label(), self.clock.now());
        let age = (now - event.received_at).to_std().unwrap_or(Duration::ZERO);
        histogram!(PROCESSING, "kind" => kind, "outcome" => outcome).record(started.instant.elapsed());
        if outcome != "retried" {
            histogram!(END_TO_END, "kind" => kind, "outcome" => outcome).record(age);
        }
        let published = self.published.get(&event.id).copied();
        let sent = self.sent.get(&event.id).copied();
        let processing = Processing { event, published, sent, started: started.at, ended: now, outcome, error };
        processing.record(&self.tracing, &*self.clock);
        age
    }
}

fn report_dead_letter(event: &UnfinishedEvent, class: ErrorClass, reason: &str) {
    let attempt = event.attempts + 1;
    error!(event_id = %event.id, trace_id = event.trace_id(), attempt, class = class.into_str(), reason, "event dead-lettered");
    counter!(EVENTS, "kind" => event.kind.label(), "outcome" => "dead_letter").increment(1);
    counter!(DEAD_LETTERED, "kind" => event.kind.label(), "reason" => class.into_str()).increment(1);
}
