use inbound::{QueueMessage, UnfinishedEvent};
use kernel::ids::TenantId;

/// An event that was received and not started, and the queue messages that carried its id.
#[derive(Debug)]
pub(super) struct PendingEvent {
    pub(super) event: UnfinishedEvent,
    pub(super) queue_messages: Vec<QueueMessage>,
}

/// Events of one tenant that are processed together.
#[derive(Debug)]
pub(super) struct TenantBatch {
    pub(super) tenant: Option<TenantId>,
    /// Ordered by id.
    pub(super) events: Vec<UnfinishedEvent>,
    pub(super) queue_messages: Vec<QueueMessage>,
}

impl PendingEvent {
    /// Whether a consumer received the event before and did not settle its message.
    pub(super) fn is_redelivered(&self) -> bool {
        self.queue_messages.iter().any(|message| message.redelivered)
    }
}

impl TenantBatch {
    pub(super) fn of(tenant: Option<TenantId>, items: impl IntoIterator<Item = PendingEvent>) -> Self {
        let (events, messages): (Vec<_>, Vec<_>) = items.into_iter().map(|it| (it.event, it.queue_messages)).unzip();
        Self { tenant, events, queue_messages: messages.into_iter().flatten().collect() }
    }

    /// Whether a consumer received some of it before and did not settle its message.
    pub(super) fn is_redelivered(&self) -> bool {
        self.queue_messages.iter().any(|message| message.redelivered)
    }

    /// Removes the queue messages of an event.
    pub(super) fn take_messages(&mut self, event: &UnfinishedEvent) -> Vec<QueueMessage> {
        self.queue_messages.extract_if(.., |message| message.event == event.id).collect()
    }
}
