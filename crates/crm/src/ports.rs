use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel::ids::{ContactId, ConversationId};
use kernel::{Limit, Page, PageRequest, StoreError};

use crate::inbox::{IdentityRepo, InboxRepo};
use crate::{
    Contact, ContactChange, Conversation, ConversationFilter, DeletedContact, FoundContact, FoundMessage, Interaction,
    Message, SearchQuery,
};

/// Contacts of the transaction's tenant.
#[async_trait]
pub trait ContactRepo: Send {
    /// Newest first.
    async fn contacts(&mut self, page: &PageRequest) -> Result<Page<Contact>, StoreError>;
    /// The contact, or the one that it was merged into.
    async fn contact(&mut self, id: ContactId) -> Result<Option<Contact>, StoreError>;
    /// The same, and nobody else changes it before this transaction ends.
    async fn lock_contact(&mut self, id: ContactId) -> Result<Option<Contact>, StoreError>;
    /// A user has made up their mind about the contact: there is nothing left to review, and its version rises.
    async fn note_review(&mut self, id: ContactId, now: DateTime<Utc>) -> Result<(), StoreError>;
    /// Without its identities.
    async fn insert_contact(&mut self, contact: &Contact) -> Result<(), StoreError>;
    /// Stores all but its identities.
    async fn update_contact(
        &mut self,
        contact: &Contact,
        change: ContactChange,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError>;
    /// Deletes a contact with all that belongs to it, and keeps a hash of what it was known by.
    async fn erase_contact(&mut self, id: ContactId, now: DateTime<Utc>) -> Result<DeletedContact, StoreError>;
}

/// Conversations of the transaction's tenant, and their messages.
#[async_trait]
pub trait ConversationRepo: Send {
    /// The last message's time decides; latest first.
    async fn conversations(
        &mut self,
        filter: &ConversationFilter,
        page: &PageRequest,
    ) -> Result<Page<Conversation>, StoreError>;
    async fn conversation(&mut self, id: ConversationId) -> Result<Option<Conversation>, StoreError>;
    /// The same, and nobody else changes it, or its contact's being there, before this transaction ends.
    async fn lock_conversation(&mut self, id: ConversationId) -> Result<Option<Conversation>, StoreError>;
    /// Stores status, assignee, unread count and version. Conflicts with
    /// [`ONE_OPEN`](crate::conversation_constraint::ONE_OPEN).
    async fn update_conversation(&mut self, conversation: &Conversation) -> Result<(), StoreError>;
    /// Latest first, by the provider's time.
    async fn messages(&mut self, conversation: ConversationId, page: &PageRequest)
    -> Result<Page<Message>, StoreError>;
}

/// What happened with contacts of the transaction's tenant.
#[async_trait]
pub trait InteractionRepo: Send {
    /// Latest first, by the time of what they tell of.
    async fn interactions(&mut self, contact: ContactId, page: &PageRequest) -> Result<Page<Interaction>, StoreError>;
}

/// Finding things by what people type.
#[async_trait]
pub trait SearchRepo: Send {
    /// The best first: a phone number, the beginning of one, of a name, of a user name, of each word in a name.
    async fn search_contacts(&mut self, query: &SearchQuery, limit: Limit) -> Result<Vec<FoundContact>, StoreError>;
    /// Messages with all the words, the last of which may be the beginning of one; latest first.
    async fn search_messages(&mut self, query: &SearchQuery, limit: Limit) -> Result<Vec<FoundMessage>, StoreError>;
}

/// What changing contacts by hand needs.
pub trait ContactTx: ContactRepo + IdentityRepo + InboxRepo {}

impl<T: ContactRepo + IdentityRepo + InboxRepo> ContactTx for T {}

/// What changing conversations by hand needs.
pub trait ConversationTx: ConversationRepo + InboxRepo {}

impl<T: ConversationRepo + InboxRepo> ConversationTx for T {}
