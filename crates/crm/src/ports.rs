use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel::ids::{ContactId, ConversationId};
use kernel::{Page, PageLimit, PageRequest, StoreError};

use crate::identity::PhoneCountry;
use crate::inbox::{IdentityRepo, InboxRepo};
use crate::{
    Contact, ContactHit, Conversation, ConversationFilter, DeletedContact, FieldsSetByUser, Interaction, Message,
    MessageHit, MessageList, MessageParts, SearchQuery,
};

/// Contacts of the transaction's tenant.
#[async_trait]
pub trait ContactRepo: Send {
    /// Newest first.
    async fn contacts(&mut self, page: &PageRequest) -> Result<Page<Contact>, StoreError>;
    /// The contact, or the one that it was merged into.
    async fn contact(&mut self, id: ContactId) -> Result<Option<Contact>, StoreError>;
    /// Those of the ids that are a contact's; the id of a merged contact with that of the contact that it was merged into.
    async fn contact_ids(&mut self, ids: &[ContactId]) -> Result<HashMap<ContactId, ContactId>, StoreError>;
    /// The contact, locked against changes until the end of the transaction.
    async fn lock_contact(&mut self, id: ContactId) -> Result<Option<Contact>, StoreError>;
    /// Clears the review flag after a user's decision, and increases the version.
    async fn mark_reviewed(&mut self, id: ContactId, now: DateTime<Utc>) -> Result<(), StoreError>;
    /// Stores a new contact without its identities.
    async fn insert_contact(&mut self, contact: &Contact) -> Result<(), StoreError>;
    /// Stores all fields but the identities.
    async fn update_contact(
        &mut self,
        contact: &Contact,
        set_by_user: FieldsSetByUser,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError>;
    /// Deletes a contact with all its data, and keeps hashes of its identities.
    async fn erase_contact(&mut self, id: ContactId, now: DateTime<Utc>) -> Result<DeletedContact, StoreError>;
}

/// Conversations of the transaction's tenant, and their messages.
#[async_trait]
pub trait ConversationRepo: Send {
    /// Ordered by the time of the last activity, latest first.
    async fn conversations(
        &mut self,
        filter: &ConversationFilter,
        page: &PageRequest,
    ) -> Result<Page<Conversation>, StoreError>;
    async fn conversation(&mut self, id: ConversationId) -> Result<Option<Conversation>, StoreError>;
    /// The same, locked against changes, and its contact against deletion, until the end of the transaction.
    async fn lock_conversation(&mut self, id: ConversationId) -> Result<Option<Conversation>, StoreError>;
    /// Stores status, assignee, unread count and version. Conflicts with
    /// [`ONE_OPEN_CONVERSATION`](crate::conversation_constraint::ONE_OPEN_CONVERSATION).
    async fn update_conversation(&mut self, conversation: &Conversation) -> Result<(), StoreError>;
    /// Ordered by WhatsApp's time, latest first. A page ends early at [`MAX_PAGE_BYTES`](kernel::MAX_PAGE_BYTES).
    async fn messages(
        &mut self,
        list: MessageList,
        page: &PageRequest,
        parts: MessageParts,
    ) -> Result<Page<Message>, StoreError>;
}

/// Interactions with contacts of the transaction's tenant.
#[async_trait]
pub trait InteractionRepo: Send {
    /// Ordered by the time of the events, latest first.
    async fn interactions(&mut self, contact: ContactId, page: &PageRequest) -> Result<Page<Interaction>, StoreError>;
}

/// The tenant's own numbers.
#[async_trait]
pub trait BusinessNumberRepo: Send {
    /// The countries of the tenant's WhatsApp numbers, as far as their numbers are known; each once.
    async fn phone_countries(&mut self) -> Result<Vec<PhoneCountry>, StoreError>;
}

/// Full-text search in the transaction's tenant.
#[async_trait]
pub trait SearchRepo: BusinessNumberRepo {
    /// Best matches first: an equal phone number, then beginnings and ends of a number, prefixes of a name, a user name, and of each word of a name.
    async fn search_contacts(&mut self, query: &SearchQuery, limit: PageLimit) -> Result<Vec<ContactHit>, StoreError>;
    /// Messages that contain all words of the query, the last one as a prefix; latest first.
    async fn search_messages(&mut self, query: &SearchQuery, limit: PageLimit) -> Result<Vec<MessageHit>, StoreError>;
}

/// The repositories that a user's changes of contacts need.
pub trait ContactTx: BusinessNumberRepo + ContactRepo + IdentityRepo + InboxRepo {}

impl<T: BusinessNumberRepo + ContactRepo + IdentityRepo + InboxRepo> ContactTx for T {}

/// The repositories that a user's changes of conversations need.
pub trait ConversationTx: ConversationRepo + InboxRepo {}

impl<T: ConversationRepo + InboxRepo> ConversationTx for T {}
