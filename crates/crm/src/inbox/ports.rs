use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel::StoreError;
use kernel::ids::{AccountId, ContactId, ConversationId, MessageId};

use super::{
    AcceptedMessage, ConversationUpdate, Lock, MessageKey, Moment, NewMessage, NewUpdate, OpenConversation,
    RefreshedMessage, SentProof, StoredMessage, Telling,
};
use crate::Interaction;
use crate::identity::{IdentityChange, IdentityKey, IdentityRecord, Merge, NewContact, Person, StoredIdentities};

/// Identities of contacts. Each call executes one statement or a few for a whole batch.
#[async_trait]
pub trait IdentityRepo: Send {
    /// Takes the tenant's recording lock in shared mode until the end of the transaction: any number of transactions record
    /// at once, while none merges or deletes contacts by a user's request. Taken before any [`Lock`].
    async fn lock_recording_shared(&mut self) -> Result<(), StoreError>;
    /// Takes the tenant's recording lock in exclusive mode: no other transaction records until this one ends.
    async fn lock_recording_exclusive(&mut self) -> Result<(), StoreError>;
    /// Those of the keys that belonged to a deleted contact, and the time of the latest deletion.
    async fn erased(&mut self, keys: &[IdentityKey]) -> Result<HashMap<IdentityKey, DateTime<Utc>>, StoreError>;
    /// Acquires exclusive locks until the end of the transaction, in one order, so that two batches wait for each other
    /// instead of deadlocking.
    async fn lock(&mut self, locks: &[Lock]) -> Result<(), StoreError>;
    /// The stored data of the people with these keys.
    async fn stored_identities(&mut self, keys: &[IdentityKey]) -> Result<StoredIdentities, StoreError>;
    /// The current BSUIDs and phone numbers that resolve to each contact.
    async fn keys_of_contacts(
        &mut self,
        contacts: &[ContactId],
    ) -> Result<HashMap<ContactId, Vec<IdentityKey>>, StoreError>;
    /// Stores changes for [`resolve`](crate::identity::resolve). One that is stored already stays as it is.
    async fn store_changes(&mut self, changes: &[IdentityChange], now: DateTime<Utc>) -> Result<(), StoreError>;
    /// Stores sightings whose keys resolve to no contact; the latest time counts.
    async fn store_sightings(&mut self, sightings: &[Person], now: DateTime<Utc>) -> Result<(), StoreError>;
    async fn delete_sightings(&mut self, sightings: &[Person]) -> Result<(), StoreError>;
    async fn mark_changes_applied(&mut self, changes: &[IdentityChange]) -> Result<(), StoreError>;
    async fn insert_contacts(&mut self, contacts: &[NewContact], now: DateTime<Utc>) -> Result<(), StoreError>;
    /// Moves all data, deletes the contact `from`, and redirects its id to `into`.
    async fn merge_contacts(&mut self, merges: &[Merge], now: DateTime<Utc>) -> Result<(), StoreError>;
    /// Stores records in their order, so that at most one record of a key resolves at any time.
    async fn store_identities(&mut self, records: &[IdentityRecord], now: DateTime<Utc>) -> Result<(), StoreError>;
    /// Clears the review flag of contacts whose conflict was explained.
    async fn clear_review(&mut self, contacts: &[ContactId], now: DateTime<Utc>) -> Result<(), StoreError>;
    async fn flag_for_review(&mut self, contacts: &[ContactId], now: DateTime<Utc>) -> Result<(), StoreError>;
    /// Sets the names of contacts that have none.
    async fn name_unnamed_contacts(
        &mut self,
        names: &[(ContactId, String)],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError>;
}

/// Messages, conversations, and interactions of contacts.
#[async_trait]
pub trait InboxRepo: Send {
    /// Those of the messages that are stored.
    async fn stored_messages(
        &mut self,
        messages: &[MessageKey],
    ) -> Result<HashMap<MessageKey, StoredMessage>, StoreError>;
    /// The conversation of each account and contact that is not closed. A missing one is created with the id of `wanted`.
    async fn open_conversations(
        &mut self,
        wanted: &[OpenConversation],
        now: DateTime<Utc>,
    ) -> Result<Vec<OpenConversation>, StoreError>;
    /// The conversation of each account and contact with the messages from before the number was connected. A missing one is
    /// created, closed, with the id of `wanted`.
    async fn imported_conversations(
        &mut self,
        wanted: &[OpenConversation],
        now: DateTime<Utc>,
    ) -> Result<Vec<OpenConversation>, StoreError>;
    /// Deletes those of these conversations that are imported and have no messages any more. Returns their ids.
    async fn delete_empty_imported(
        &mut self,
        conversations: &[ConversationId],
    ) -> Result<Vec<ConversationId>, StoreError>;
    async fn insert_messages(&mut self, messages: &[NewMessage], now: DateTime<Utc>) -> Result<(), StoreError>;
    /// Completes stored messages by other tellings of them. A telling with a conversation moves its message there.
    async fn complete_messages(&mut self, tellings: &[Telling]) -> Result<(), StoreError>;
    /// Stores updates; of two with one key, the one that arrived first is kept.
    async fn insert_updates(&mut self, updates: &[NewUpdate], now: DateTime<Utc>) -> Result<(), StoreError>;
    /// Gives messages that Parley sent the wamids which statuses prove. Returns the messages. Called while they are locked.
    async fn settle_sent(
        &mut self,
        proofs: &[SentProof],
        now: DateTime<Utc>,
    ) -> Result<Vec<AcceptedMessage>, StoreError>;
    /// Sets the state of messages that follows from all of their updates. Returns the stored messages that have updates.
    async fn refresh_messages(&mut self, messages: &[MessageKey]) -> Result<Vec<RefreshedMessage>, StoreError>;
    /// Deletes a limited number of updates and sightings that were parked before that time and are still unmatched.
    async fn delete_expired_parked(&mut self, before: DateTime<Utc>) -> Result<(), StoreError>;
    /// Updates conversations after their messages changed.
    async fn refresh_conversations(&mut self, updates: &[ConversationUpdate]) -> Result<(), StoreError>;
    /// Those of the sources of interactions that are stored.
    async fn stored_sources(&mut self, sources: &[&str]) -> Result<HashSet<String>, StoreError>;
    /// Stores interactions; of two with one source, or of one kind about one message, the earlier one is kept.
    async fn insert_interactions(&mut self, interactions: &[Interaction], now: DateTime<Utc>)
    -> Result<(), StoreError>;
    /// Replaces the texts of revoked messages, and of their edits, in the histories of contacts.
    async fn hide_revoked_texts(&mut self, revoked: &[MessageId]) -> Result<(), StoreError>;
    /// Sets the marketing consent; the latest time counts.
    async fn record_consent(&mut self, consent: &[(ContactId, bool, DateTime<Utc>)]) -> Result<(), StoreError>;
    /// Sets names from the address book of the business's phone; the latest counts, and a name set by a user stays.
    async fn apply_address_book_names(&mut self, names: &[(ContactId, String, Moment)]) -> Result<(), StoreError>;
    /// Extends the service windows of accounts and contacts; a window never shrinks.
    async fn extend_service_windows(
        &mut self,
        windows: &[(AccountId, ContactId, DateTime<Utc>)],
    ) -> Result<(), StoreError>;
}

/// The repositories that recording needs.
pub trait InboxTx: IdentityRepo + InboxRepo {}

impl<T: IdentityRepo + InboxRepo> InboxTx for T {}
