use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel::ids::{ContactId, ConversationId};
use kernel::{Page, PageRequest, StoreError};

use crate::inbox::{IdentityRepo, InboxRepo};
use crate::{Contact, Conversation, ConversationFilter, Interaction, Message};

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

/// What merging contacts by hand needs.
pub trait MergeTx: ContactRepo + IdentityRepo + InboxRepo {}

impl<T: ContactRepo + IdentityRepo + InboxRepo> MergeTx for T {}
