use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel::ids::EventId;
use kernel::{Page, PageRequest, StoreError, Traceparent};

use crate::{
    AbandonedEvent, ClaimedEvents, DiscardFilter, DueEvent, ErrorClass, EventFilter, FailedAttempt, IncomingEvent,
    ReplayFilter, ReplayLimit, StoredBatch, Turn, UnfinishedEvent, UnusableQuota, WebhookEvent,
};

/// Stores received events.
#[async_trait]
pub trait EventIntake: Send {
    /// Stores events with their payloads, finds the account and tenant of each among the accounts of its app, and adds those
    /// that can be processed to the ledger, in one statement. A change of a business account is stored once for each tenant that has
    /// accounts there. Returns the events that were not stored before, with these copies.
    ///
    /// Unusable events of a tenant's own app are counted, and dropped when the app has used up its quota of the day. A batch
    /// can exceed the quota by its own events.
    ///
    /// The events must be in the order of their [`Arrival`](kernel::Arrival), which they get here, at most 4,096 of them, in one
    /// call for a transaction. They are stored in the order of their keys, so that two batches with the same events wait for each
    /// other instead of deadlocking.
    async fn store_events(
        &mut self,
        events: &[IncomingEvent],
        quota: UnusableQuota,
        now: DateTime<Utc>,
    ) -> Result<StoredBatch, StoreError>;
}

/// The ledger of unfinished events. A row exists until its event is finished, so no event is lost when the queue is.
#[async_trait]
pub trait EventLedger: Send {
    /// Claims due events until `until`: no other relay claims them before. If the relay dies, they are due again then. Each
    /// tenant gets an equal share, up to its window.
    async fn claim_due(
        &mut self,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        turn: Turn,
    ) -> Result<ClaimedEvents, StoreError>;
    /// Marks events as published. They are due again much later, in case they are lost. Events whose claim has changed are
    /// not updated.
    async fn mark_published(
        &mut self,
        events: &[EventId],
        claimed_until: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError>;
    /// A worker still has published events: they are not lost. They are due again as if they had been published now.
    async fn keep_published(&mut self, events: &[EventId], now: DateTime<Utc>) -> Result<(), StoreError>;
    /// Makes events due at once that could not be published. Events whose claim has changed are not updated.
    async fn release_claim(
        &mut self,
        events: &[EventId],
        claimed_until: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError>;
    /// Makes unfinished events due that were published before `published_before` and are not in the queue any more. Returns
    /// their number.
    async fn republish_lost(
        &mut self,
        published_before: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<usize, StoreError>;
    /// Assigns events without a tenant to the accounts that were connected since, at most `limit`. Returns their number.
    async fn assign_unroutable(&mut self, now: DateTime<Utc>, limit: i64) -> Result<usize, StoreError>;
    /// Makes held events of tenants that are active again due, at most `limit`. Returns their number.
    async fn requeue_held(&mut self, now: DateTime<Utc>, limit: i64) -> Result<usize, StoreError>;
    /// Those of the events that are unfinished: received or retrying. Without payloads.
    async fn unfinished_events(&mut self, events: &[EventId]) -> Result<Vec<UnfinishedEvent>, StoreError>;
    /// Adds one to the starts of the unfinished ones of the events, and returns those. A worker calls it before it processes a
    /// batch with a redelivered event, and not for a first delivery: without a death there is nothing to count.
    async fn record_starts(&mut self, events: &[EventId]) -> Result<Vec<EventId>, StoreError>;
    /// The broker gave up delivering them. Marks the unfinished ones that are [poison](UnfinishedEvent::is_poison) as dead
    /// letters, and returns those. The other unfinished ones are due again: their messages were only delivered together with
    /// those of others.
    async fn dead_letter_abandoned(
        &mut self,
        events: &[EventId],
        now: DateTime<Utc>,
    ) -> Result<Vec<AbandonedEvent>, StoreError>;
}

/// Outcomes of events, written in the transaction that processed them. An event that another transaction has finished is not
/// changed.
#[async_trait]
pub trait EventOutcomeRepo: Send {
    /// Locks the unfinished ones of the events, without those whose next attempt is later, and returns their payloads. All
    /// transactions lock in the same order. A missing payload, which should not happen, is read as empty, so that the event
    /// becomes a dead letter.
    async fn lock_events_to_process(
        &mut self,
        events: &[EventId],
        now: DateTime<Utc>,
    ) -> Result<HashMap<EventId, Vec<u8>>, StoreError>;
    /// Those of the events whose next attempt is later were published too early, by a process whose clock is ahead: they are
    /// published again when they are due by both clocks.
    async fn postpone_early_events(&mut self, events: &[EventId], now: DateTime<Utc>) -> Result<(), StoreError>;
    async fn finish_events(&mut self, events: &[EventId], now: DateTime<Utc>) -> Result<(), StoreError>;
    /// Deletes the payloads of those of the events that contain one of the numbers or user ids, which are of deleted contacts.
    async fn delete_payloads_naming(&mut self, events: &[EventId], named: &[String]) -> Result<(), StoreError>;
    /// Records a failure and the time of the next attempt, and resets the starts. Returns whether the event was unfinished.
    async fn retry_event(
        &mut self,
        event: EventId,
        next_attempt_at: DateTime<Utc>,
        class: ErrorClass,
        error: &str,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError>;
    /// Records a failure and marks the event as a dead letter. Returns whether the event was unfinished.
    async fn dead_letter_event(
        &mut self,
        event: EventId,
        class: ErrorClass,
        error: &str,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError>;
}

/// Reads and discards events: those of the transaction's tenant, or, for operators, those without a tenant.
#[async_trait]
pub trait EventReader: Send {
    /// Newest first.
    async fn events(&mut self, filter: &EventFilter, page: &PageRequest) -> Result<Page<WebhookEvent>, StoreError>;
    async fn event(&mut self, id: EventId) -> Result<Option<WebhookEvent>, StoreError>;
    /// Oldest first.
    async fn failed_attempts(&mut self, id: EventId) -> Result<Vec<FailedAttempt>, StoreError>;
    /// The payload; `None` after its retention.
    async fn event_payload(&mut self, id: EventId) -> Result<Option<Vec<u8>>, StoreError>;
    /// Discards a dead letter. Returns whether it was one.
    async fn discard_event(&mut self, id: EventId, now: DateTime<Utc>) -> Result<bool, StoreError>;
    /// Discards dead letters or unroutable events that the filter selects, oldest first, at most `limit`. Returns their number.
    async fn discard_events(
        &mut self,
        filter: &DiscardFilter,
        now: DateTime<Utc>,
        limit: i64,
    ) -> Result<usize, StoreError>;
}

/// Replays events of the transaction's tenant. An event without a payload cannot be replayed.
#[async_trait]
pub trait EventRepo: EventReader {
    /// Makes a dead letter or a discarded event received again. Returns whether it was one.
    async fn replay_event(&mut self, id: EventId, now: DateTime<Utc>) -> Result<bool, StoreError>;
    /// The same for the events that the filter selects, oldest first. Returns their number.
    async fn replay_events(
        &mut self,
        filter: &ReplayFilter,
        limit: ReplayLimit,
        now: DateTime<Utc>,
    ) -> Result<usize, StoreError>;
    /// The number of events that would be replayed, up to the limit.
    async fn count_replayable(&mut self, filter: &ReplayFilter, limit: ReplayLimit) -> Result<usize, StoreError>;
}

/// Events without a tenant.
#[async_trait]
pub trait TenantlessEventRepo: EventReader {
    /// Finishes a dead letter that was parsed again. Returns whether it was one.
    async fn finish_reparsed_event(&mut self, id: EventId, now: DateTime<Utc>) -> Result<bool, StoreError>;
}

/// A request to the broker failed.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    #[error("the broker is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It may have executed the request. After a restart, queues take a while to respond.
    #[error("the broker does not respond")]
    TimedOut(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The queue, as the relay uses it.
#[async_trait]
pub trait EventPublisher: Send + Sync {
    /// Publishes the ids of events.
    async fn publish(&self, events: &[DueEvent]) -> Result<PublishResult, QueueError>;
    /// The number of messages in the queue, without unacknowledged ones.
    async fn ready_messages(&self) -> Result<u32, QueueError>;
}

/// The broker's response to a batch of ids.
#[derive(Clone, Debug, Default)]
pub struct PublishResult {
    /// Confirmed as stored. All others are to be published again.
    pub confirmed: Vec<EventId>,
    /// How many were not routed to a queue.
    pub returned: usize,
    /// How many were refused.
    pub nacked: usize,
}

/// A message that the broker delivered, to be acknowledged or rejected by its tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueMessage {
    pub event: EventId,
    /// A consumer received it before and did not settle it.
    pub redelivered: bool,
    /// W3C trace context of its publishing.
    pub trace: Option<Traceparent>,
    pub tag: u64,
}

/// The queue, as a worker uses it. A call waits until there is a connection.
#[async_trait]
pub trait EventConsumer: Send {
    /// Waits for a message; returns it with others that have arrived, up to `max`. Cancel safe.
    async fn receive(&mut self, max: usize) -> Vec<QueueMessage>;
    /// Acknowledges messages. If the connection was lost they are delivered again, which is harmless.
    async fn acknowledge(&mut self, messages: &[QueueMessage]);
    /// Rejects a message: the broker moves it to the dead letter queue.
    async fn reject(&mut self, message: &QueueMessage);
}
