use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel::StoreError;
use kernel::ids::{AccountId, ContactId, ConversationId};

use super::{ConversationNews, Lock, MessageKey, NewMessage, NewUpdate, OpenConversation, RefreshedMessage};
use crate::Interaction;
use crate::identity::{IdentityChange, IdentityKey, IdentityRecord, Known, Merge, NewContact, Person};

/// Who is who. Each call is a statement or a few, however many it is about.
#[async_trait]
pub trait IdentityRepo: Send {
    /// Waits for whoever merges or deletes contacts of the tenant by hand, and keeps them from it until this transaction
    /// ends; any number may record at once. Taken before any [`Lock`].
    async fn begin_recording(&mut self) -> Result<(), StoreError>;
    /// Waits until nobody records anything for the tenant, and keeps everybody from it until this transaction ends.
    async fn stop_recording(&mut self) -> Result<(), StoreError>;
    /// Which of these keys were those of a contact that was deleted, and when; the latest counts.
    async fn erased(&mut self, keys: &[IdentityKey]) -> Result<HashMap<IdentityKey, DateTime<Utc>>, StoreError>;
    /// Makes this transaction the only one that works on these people and messages, until it ends. Takes the locks in
    /// one order, so that two batches wait for each other instead of deadlocking.
    async fn lock(&mut self, locks: &[Lock]) -> Result<(), StoreError>;
    /// What is known about the people with these keys.
    async fn known(&mut self, keys: &[IdentityKey]) -> Result<Known, StoreError>;
    /// One that is told again later than before is to be applied again.
    async fn store_changes(&mut self, changes: &[IdentityChange], now: DateTime<Utc>) -> Result<(), StoreError>;
    /// Keeps who was seen while nobody is known by it; the latest time counts.
    async fn park_sightings(&mut self, sightings: &[Person], now: DateTime<Utc>) -> Result<(), StoreError>;
    async fn drop_sightings(&mut self, sightings: &[Person]) -> Result<(), StoreError>;
    async fn settle_changes(&mut self, changes: &[IdentityChange]) -> Result<(), StoreError>;
    async fn insert_contacts(&mut self, contacts: &[NewContact], now: DateTime<Utc>) -> Result<(), StoreError>;
    /// Moves everything, and leaves a pointer from the contact that goes to the one that stays.
    async fn merge_contacts(&mut self, merges: &[Merge], now: DateTime<Utc>) -> Result<(), StoreError>;
    /// In their order, so that a key can be given up before it is taken.
    async fn store_identities(&mut self, records: &[IdentityRecord], now: DateTime<Utc>) -> Result<(), StoreError>;
    async fn flag_for_review(&mut self, contacts: &[ContactId], now: DateTime<Utc>) -> Result<(), StoreError>;
    /// Gives contacts without a name one.
    async fn name_nameless(&mut self, names: &[(ContactId, String)], now: DateTime<Utc>) -> Result<(), StoreError>;
}

/// Messages, conversations and what happens with contacts.
#[async_trait]
pub trait InboxRepo: Send {
    /// The kinds of those that are stored already.
    async fn known_messages(&mut self, messages: &[MessageKey]) -> Result<HashMap<MessageKey, String>, StoreError>;
    /// The conversation that is not closed of each account and contact; made with the id given where there is none.
    async fn open_conversations(
        &mut self,
        wanted: &[OpenConversation],
        now: DateTime<Utc>,
    ) -> Result<Vec<OpenConversation>, StoreError>;
    /// The last conversation of each account and contact that has one, closed or not.
    async fn last_conversations(
        &mut self,
        pairs: &[(AccountId, ContactId)],
    ) -> Result<Vec<OpenConversation>, StoreError>;
    async fn insert_messages(&mut self, messages: &[NewMessage], now: DateTime<Utc>) -> Result<(), StoreError>;
    /// Puts the content of messages where only placeholders are. Answers the conversations that read differently now.
    async fn fill_placeholders(&mut self, messages: &[NewMessage]) -> Result<Vec<ConversationId>, StoreError>;
    /// One that is stored already stays as it is.
    async fn insert_updates(&mut self, updates: &[NewUpdate], now: DateTime<Utc>) -> Result<(), StoreError>;
    /// Gives messages the state that follows from all their updates. Answers those that there are, and have any.
    async fn refresh_messages(&mut self, messages: &[MessageKey]) -> Result<Vec<RefreshedMessage>, StoreError>;
    /// Deletes some of what was parked before then and has not found its message or person.
    async fn forget_parked(&mut self, before: DateTime<Utc>) -> Result<(), StoreError>;
    /// Brings conversations up to date with their messages.
    async fn refresh_conversations(&mut self, news: &[ConversationNews]) -> Result<(), StoreError>;
    /// What was told already is not told again.
    async fn insert_interactions(&mut self, interactions: &[Interaction], now: DateTime<Utc>)
    -> Result<(), StoreError>;
    /// The latest word counts: whether marketing messages are wanted.
    async fn note_consent(&mut self, consent: &[(ContactId, bool, DateTime<Utc>)]) -> Result<(), StoreError>;
    /// Names of the business's address book; the latest counts, and those that a user gave stay.
    async fn name_contacts(&mut self, names: &[(ContactId, String, DateTime<Utc>)]) -> Result<(), StoreError>;
    /// Until when the business may answer freely; it only ever grows.
    async fn extend_windows(&mut self, windows: &[(AccountId, ContactId, DateTime<Utc>)]) -> Result<(), StoreError>;
}

/// What recording needs.
pub trait InboxTx: IdentityRepo + InboxRepo {}

impl<T: IdentityRepo + InboxRepo> InboxTx for T {}
