use std::collections::HashMap;
use std::time::Duration;

use inbound::{QueueMessage, UnfinishedEvent};
use kernel::ids::{EventId, TenantId};
use tokio::time::Instant;

/// An event that was received and not started, and the queue messages that carried its id.
#[derive(Debug)]
pub(super) struct PendingEvent {
    pub(super) event: UnfinishedEvent,
    pub(super) queue_messages: Vec<QueueMessage>,
}

/// Events that a worker has, and since when.
#[derive(Debug, Default)]
pub(super) struct HeldEvents(HashMap<EventId, Instant>);

impl HeldEvents {
    pub(super) fn add(&mut self, event: EventId, now: Instant) {
        self.0.entry(event).or_insert(now);
    }

    pub(super) fn remove(&mut self, event: EventId) {
        self.0.remove(&event);
    }

    /// Those that the worker has had for that long since they were received or last returned by this.
    pub(super) fn older_than(&mut self, age: Duration, now: Instant) -> Vec<EventId> {
        let old = self.0.iter_mut().filter(|(_, since)| now.duration_since(**since) >= age);
        old.map(|(event, since)| {
            *since = now;
            *event
        })
        .collect()
    }
}

/// Events of one tenant that are processed together.
#[derive(Debug)]
pub(super) struct TenantBatch {
    pub(super) tenant: Option<TenantId>,
    /// Ordered by id.
    pub(super) events: Vec<UnfinishedEvent>,
    pub(super) queue_messages: Vec<QueueMessage>,
}

impl TenantBatch {
    pub(super) fn of(tenant: Option<TenantId>, items: impl IntoIterator<Item = PendingEvent>) -> Self {
        let (events, messages): (Vec<_>, Vec<_>) = items.into_iter().map(|it| (it.event, it.queue_messages)).unzip();
        Self { tenant, events, queue_messages: messages.into_iter().flatten().collect() }
    }

    /// Whether its workers may have died: a consumer received some of it before and did not settle its message, or starts were
    /// recorded.
    pub(super) fn may_have_killed(&self) -> bool {
        self.queue_messages.iter().any(|message| message.redelivered)
            || self.events.iter().any(|event| event.starts > 0)
    }

    /// Removes the queue messages of an event.
    pub(super) fn take_messages(&mut self, event: &UnfinishedEvent) -> Vec<QueueMessage> {
        self.queue_messages.extract_if(.., |message| message.event == event.id).collect()
    }
}
