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
    pub(super) fn of_one(item: PendingEvent) -> Self {
        Self { tenant: item.event.tenant, events: vec![item.event], queue_messages: item.queue_messages }
    }

    /// Whether a consumer received some of it before and did not settle its message.
    pub(super) fn is_redelivered(&self) -> bool {
        self.queue_messages.iter().any(|message| message.redelivered)
    }
}
