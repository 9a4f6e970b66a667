use std::collections::HashSet;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel::ids::{AccountId, EventId, TenantId};
use kernel::{Page, PageRequest, StoreError, Traceparent};

use crate::{
    AbandonedEvent, Disconnection, DueEvent, ErrorClass, EventFilter, FailedAttempt, HealthUpdate, IncomingEvent,
    MetaApp, MetaAppKey, OwnedAccount, QueuedEvent, ReplayLimit, SealedSecrets, StoredEvent, WebhookEvent,
    WhatsAppAccount,
};

/// Names of the database's constraints that mean something to this domain.
pub mod constraint {
    /// The number is active on that app, in this tenant or another.
    pub const ACTIVE_NUMBER: &str = "whatsapp_accounts_active_number_key";
    /// The tenant has connected the number already.
    pub const OWN_NUMBER: &str = "whatsapp_accounts_own_number_key";
}

/// WhatsApp accounts of the transaction's tenant.
#[async_trait]
pub trait AccountRepo: Send {
    /// Conflicts with [`constraint::ACTIVE_NUMBER`] and [`constraint::OWN_NUMBER`].
    async fn insert_account(&mut self, account: &WhatsAppAccount) -> Result<(), StoreError>;
    /// Newest first.
    async fn accounts(&mut self, page: &PageRequest) -> Result<Page<WhatsAppAccount>, StoreError>;
    async fn account(&mut self, id: AccountId) -> Result<Option<WhatsAppAccount>, StoreError>;
    /// The account, which nobody else can change until the transaction ends.
    async fn lock_account(&mut self, id: AccountId) -> Result<Option<WhatsAppAccount>, StoreError>;
    /// Stores what the tenant calls it.
    async fn rename_account(&mut self, account: &WhatsAppAccount, now: DateTime<Utc>) -> Result<(), StoreError>;
    async fn disconnect_account(
        &mut self,
        id: AccountId,
        by: Disconnection,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError>;
}

/// Meta apps of the transaction's tenant.
#[async_trait]
pub trait MetaAppRepo: Send {
    async fn insert_meta_app(&mut self, app: &MetaApp) -> Result<(), StoreError>;
    /// Newest first.
    async fn meta_apps(&mut self, page: &PageRequest) -> Result<Page<MetaApp>, StoreError>;
    /// Whether there is this app; it cannot be deleted until the transaction ends.
    async fn hold_meta_app(&mut self, key: &MetaAppKey) -> Result<bool, StoreError>;
    /// The app, which nobody else can change, delete or hold until the transaction ends.
    async fn lock_meta_app(&mut self, key: &MetaAppKey) -> Result<Option<MetaApp>, StoreError>;
    /// Stores its name and secrets.
    async fn update_meta_app(&mut self, app: &MetaApp) -> Result<(), StoreError>;
    /// Whether an account that is not disconnected is bound to it.
    async fn is_meta_app_in_use(&mut self, key: &MetaAppKey) -> Result<bool, StoreError>;
    async fn delete_meta_app(&mut self, key: &MetaAppKey) -> Result<(), StoreError>;
}

/// The accounts of the transaction's tenant, and the apps that they are bound to.
pub trait ChannelRepo: AccountRepo + MetaAppRepo {}

impl<T: AccountRepo + MetaAppRepo> ChannelRepo for T {}

/// Meta apps of all tenants, for who checks deliveries.
#[async_trait]
pub trait MetaAppDirectory: Send {
    async fn meta_app_secrets(&mut self, key: &MetaAppKey) -> Result<Option<SealedSecrets>, StoreError>;
    /// Apps of which a secret is sealed with another key than this one, at most so many.
    async fn meta_apps_sealed_otherwise(
        &mut self,
        key_id: &str,
        limit: i64,
    ) -> Result<Vec<(TenantId, MetaAppKey)>, StoreError>;
    /// The ids of all keys that a secret is sealed with.
    async fn meta_app_sealing_keys(&mut self) -> Result<Vec<String>, StoreError>;
}

/// What Meta says about the accounts of the transaction's tenant.
#[async_trait]
pub trait AccountHealthRepo: Send {
    /// Notes the word on its topic, unless a later one is known; and what follows for the connection. It is about the
    /// number that it names, else about all of the tenant's in that WhatsApp Business Account and on that app.
    async fn note_health(&mut self, news: &AccountNews, now: DateTime<Utc>) -> Result<(), StoreError>;
}

/// Something that Meta said about accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountNews {
    /// The account that it was told by.
    pub account: AccountId,
    pub waba_id: String,
    pub said_at: DateTime<Utc>,
    pub update: HealthUpdate,
}

/// WhatsApp accounts of all tenants, for operators.
#[async_trait]
pub trait AccountDirectory: Send {
    /// Makes a pending account active, and drives what came for its number before; whether there was one. Conflicts with
    /// [`constraint::ACTIVE_NUMBER`].
    async fn approve_account(&mut self, id: AccountId, now: DateTime<Utc>) -> Result<bool, StoreError>;
    /// Every account, or those that wait for approval, newest first.
    async fn all_accounts(&mut self, only_pending: bool, page: &PageRequest) -> Result<Page<OwnedAccount>, StoreError>;
}

/// Storing what Meta sent.
#[async_trait]
pub trait EventIntake: Send {
    /// Stores events with their payloads, finds each one's account and tenant among the accounts of its app, and enters
    /// those that can be processed into the ledger: one statement. Answers the ones that were not there before.
    ///
    /// The events are in the order of app and key: two batches with the same events then wait for each other instead of
    /// deadlocking.
    async fn store_events(
        &mut self,
        events: &[IncomingEvent],
        now: DateTime<Utc>,
    ) -> Result<Vec<StoredEvent>, StoreError>;
}

/// The ledger of unfinished events: a row lives until its event is finished, so that whatever happens to the queue, what
/// is left to do can be read from here.
#[async_trait]
pub trait EventLedger: Send {
    /// Takes events whose time has come: they are not due again before `until`, so that no other relay takes them
    /// meanwhile, and one that dies with them in hand delays them by no more than that.
    async fn claim_due(
        &mut self,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: i64,
    ) -> Result<Vec<DueEvent>, StoreError>;
    /// The broker has them: they are due again only if nothing is heard for a good while. Those that are no longer as
    /// they were claimed stay as they are.
    async fn mark_published(
        &mut self,
        events: &[EventId],
        claimed_until: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError>;
    /// They could not be published and are due at once; those that are no longer as they were claimed stay as they are.
    async fn release(
        &mut self,
        events: &[EventId],
        claimed_until: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError>;
    /// Published before the one time, not finished, and no longer in the queue: they are as if they had never been
    /// published, and due. How many.
    async fn recall_lost(&mut self, published_before: DateTime<Utc>, now: DateTime<Utc>) -> Result<usize, StoreError>;
    /// Events without a tenant whose number has been connected since are given to it, so many at a time; how many.
    async fn adopt_unroutable(&mut self, now: DateTime<Utc>, limit: i64) -> Result<usize, StoreError>;
    /// Makes events due that were held while their tenant was suspended and that is active again, at most so many; how many.
    async fn resume_held(&mut self, now: DateTime<Utc>, limit: i64) -> Result<usize, StoreError>;
    /// What a worker needs of the events that are not finished; others are left out.
    async fn waiting_events(&mut self, events: &[EventId]) -> Result<Vec<QueuedEvent>, StoreError>;
    /// Writes down that events are begun, for when nobody hears of them again: those that are still to be processed.
    async fn note_starts(&mut self, events: &[EventId]) -> Result<Vec<EventId>, StoreError>;
    /// The broker gave up delivering them. Where nobody has written that down, they are dead letters now: which.
    async fn bury_abandoned(
        &mut self,
        events: &[EventId],
        now: DateTime<Utc>,
    ) -> Result<Vec<AbandonedEvent>, StoreError>;
}

/// What became of events, written in the transaction that did it. All changes are guarded: an event that somebody else
/// has finished meanwhile stays as it is.
#[async_trait]
pub trait EventOutcomeRepo: Send {
    /// Those of the events that are to be processed now: not finished, and not waiting for a later attempt. They are this
    /// transaction's until it ends; others who want them wait, in one order.
    async fn take_events(&mut self, events: &[EventId], now: DateTime<Utc>) -> Result<HashSet<EventId>, StoreError>;
    async fn finish_events(&mut self, events: &[EventId], now: DateTime<Utc>) -> Result<(), StoreError>;
    /// Notes a failure and when to try again; whether the event was still waiting. It ended, so its starts are forgotten.
    async fn retry_event(
        &mut self,
        event: EventId,
        next_attempt_at: DateTime<Utc>,
        class: ErrorClass,
        error: &str,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError>;
    /// Notes a failure as the last: the event is a dead letter; whether it was still waiting.
    async fn bury_event(
        &mut self,
        event: EventId,
        class: ErrorClass,
        error: &str,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError>;
}

/// Looking at events: at those of the transaction's tenant, or, for operators, at those that belong to none.
#[async_trait]
pub trait EventReader: Send {
    /// Latest first.
    async fn events(&mut self, filter: &EventFilter, page: &PageRequest) -> Result<Page<WebhookEvent>, StoreError>;
    async fn event(&mut self, id: EventId) -> Result<Option<WebhookEvent>, StoreError>;
    /// Oldest first.
    async fn failed_attempts(&mut self, id: EventId) -> Result<Vec<FailedAttempt>, StoreError>;
    /// What Meta sent, unless it was kept long enough.
    async fn event_payload(&mut self, id: EventId) -> Result<Option<Vec<u8>>, StoreError>;
    /// Gives up a dead letter for good; whether it was one.
    async fn discard_event(&mut self, id: EventId, now: DateTime<Utc>) -> Result<bool, StoreError>;
}

/// Driving events of the transaction's tenant again. Both need what Meta sent: an event whose bytes are gone stays.
#[async_trait]
pub trait EventRepo: EventReader {
    /// A dead letter, or a discarded event, is as if it had just come in; whether it was one. Of several at once, one gets it.
    async fn replay_event(&mut self, id: EventId, now: DateTime<Utc>) -> Result<bool, StoreError>;
    /// The same for those that the filter finds, the oldest first, one after the other from now on; how many. The filter's
    /// status is that of a dead letter unless it says that of a discarded event.
    async fn replay_events(
        &mut self,
        filter: &EventFilter,
        limit: ReplayLimit,
        now: DateTime<Utc>,
    ) -> Result<usize, StoreError>;
    /// How many there are to be replayed, up to the limit.
    async fn count_replayable(&mut self, filter: &EventFilter, limit: ReplayLimit) -> Result<usize, StoreError>;
}

/// Events that belong to no tenant.
#[async_trait]
pub trait TenantlessEventRepo: EventReader {
    /// A dead letter turned out to make sense: it is finished. Whether it was one.
    async fn finish_tenantless_event(&mut self, id: EventId, now: DateTime<Utc>) -> Result<bool, StoreError>;
}

/// Why the broker could not be used.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    #[error("the broker is unavailable")]
    Away(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It may have done what it was asked for. One that comes back is silent for a while: its queues take longer.
    #[error("the broker does not answer")]
    Silent(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Where the relay publishes.
#[async_trait]
pub trait EventPublisher: Send + Sync {
    /// Publishes the ids of events; answers what the broker said.
    async fn publish(&self, events: &[DueEvent]) -> Result<Published, QueueError>;
    /// How many ids wait in the queue, without those that a worker has in hand.
    async fn waiting(&self) -> Result<u32, QueueError>;
}

/// What the broker said to a batch of ids.
#[derive(Clone, Debug, Default)]
pub struct Published {
    /// Confirmed to be kept. All others are to be published again.
    pub kept: Vec<EventId>,
    /// How many no queue took.
    pub returned: usize,
    /// How many were refused.
    pub nacked: usize,
}

/// An id that the broker delivered, to be settled by its tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub event: EventId,
    /// Somebody had it before and did not settle it.
    pub redelivered: bool,
    /// W3C trace context of its publishing.
    pub trace: Option<Traceparent>,
    pub tag: u64,
}

/// Where a worker takes events from. Connections are the adapter's business: a call waits until there is one.
#[async_trait]
pub trait EventSource: Send {
    /// One delivery and what else has arrived, up to `max`. Dropping the future loses nothing.
    async fn receive(&mut self, max: usize) -> Vec<Delivery>;
    /// Done with them. If the connection was lost meanwhile they come again, which is harmless.
    async fn acknowledge(&mut self, deliveries: &[Delivery]);
    /// To the dead letters.
    async fn reject(&mut self, delivery: &Delivery);
}
