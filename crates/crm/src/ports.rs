use std::collections::HashSet;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel::ids::{AccountId, ContactId, ConversationId, MessageId};
use kernel::{Page, PageRequest, StoreError};

use crate::identity::{Attachment, IdentityKey, KnownIdentity};
use crate::inbox::{NewMessage, OpenConversation, Received};
use crate::{Contact, Conversation, ConversationFilter, Interaction, Message};

/// Contacts of the transaction's tenant.
#[async_trait]
pub trait ContactRepo: Send {
    /// Newest first.
    async fn contacts(&mut self, page: &PageRequest) -> Result<Page<Contact>, StoreError>;
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

/// What recording inbound messages needs, each call one statement for the whole batch.
#[async_trait]
pub trait InboxRepo: Send {
    /// Makes this transaction the only one that works on these people, until it ends. Takes the locks in one order, so
    /// that two batches wait for each other instead of deadlocking.
    async fn lock_people(&mut self, keys: &[IdentityKey]) -> Result<(), StoreError>;
    /// Those of the messages that are stored already.
    async fn known_messages(
        &mut self,
        messages: &[(AccountId, String)],
    ) -> Result<HashSet<(AccountId, String)>, StoreError>;
    /// The identities with these keys, and all BSUIDs of the contacts that they lead to.
    async fn identities(&mut self, keys: &[IdentityKey]) -> Result<Vec<KnownIdentity>, StoreError>;
    async fn insert_contacts(&mut self, contacts: &[(ContactId, String)], now: DateTime<Utc>)
    -> Result<(), StoreError>;
    async fn insert_identities(&mut self, identities: &[Attachment], now: DateTime<Utc>) -> Result<(), StoreError>;
    async fn flag_for_review(&mut self, contacts: &[ContactId], now: DateTime<Utc>) -> Result<(), StoreError>;
    /// The conversation that is not closed of each account and contact; made with the id given where there is none.
    async fn open_conversations(
        &mut self,
        wanted: &[OpenConversation],
        now: DateTime<Utc>,
    ) -> Result<Vec<OpenConversation>, StoreError>;
    /// Answers which of them are new; a message that is stored already stays as it is.
    async fn insert_messages(
        &mut self,
        messages: &[NewMessage],
        now: DateTime<Utc>,
    ) -> Result<HashSet<MessageId>, StoreError>;
    async fn insert_interactions(&mut self, interactions: &[Interaction], now: DateTime<Utc>)
    -> Result<(), StoreError>;
    /// Brings conversations up to date with what came in; an older message does not take the place of a newer one.
    async fn note_received(&mut self, received: &[Received]) -> Result<(), StoreError>;
}
