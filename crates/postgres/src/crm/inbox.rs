//! Stores recorded batches: each operation is one statement over arrays, or a few.

mod activities;
mod conversations;
mod message_keys;
mod messages;
mod parked;
mod tellings;
mod updates;

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use crm::Interaction;
use crm::inbox::{
    AcceptedMessage, ConversationUpdate, InboxRepo, MessageKey, Moment, NewMessage, NewUpdate, OpenConversation,
    RefreshedMessage, SentProof, StoredMessage, Telling,
};
use kernel::StoreError;
use kernel::ids::{AccountId, ContactId, ConversationId, MessageId};

use crate::transaction::{Tenant, Tx};

pub(crate) use conversations::refresh;
pub(super) use messages::of_messages;

#[async_trait]
impl InboxRepo for Tx<Tenant> {
    async fn stored_messages(&mut self, keys: &[MessageKey]) -> Result<HashMap<MessageKey, StoredMessage>, StoreError> {
        messages::stored(self, keys).await
    }

    async fn open_conversations(
        &mut self,
        wanted: &[OpenConversation],
        now: DateTime<Utc>,
    ) -> Result<Vec<OpenConversation>, StoreError> {
        conversations::open(self, wanted, now).await
    }

    async fn imported_conversations(
        &mut self,
        wanted: &[OpenConversation],
        now: DateTime<Utc>,
    ) -> Result<Vec<OpenConversation>, StoreError> {
        conversations::imported(self, wanted, now).await
    }

    async fn delete_empty_imported(
        &mut self,
        conversations: &[ConversationId],
    ) -> Result<Vec<ConversationId>, StoreError> {
        conversations::delete_empty_imported(self, conversations).await
    }

    async fn settle_sent(
        &mut self,
        proofs: &[SentProof],
        now: DateTime<Utc>,
    ) -> Result<Vec<AcceptedMessage>, StoreError> {
        crate::outbound::settle_by_status(self, proofs, now).await
    }

    async fn insert_messages(&mut self, new: &[NewMessage], now: DateTime<Utc>) -> Result<(), StoreError> {
        messages::insert(self, new, now).await
    }

    async fn complete_messages(&mut self, tellings: &[Telling]) -> Result<(), StoreError> {
        tellings::complete(self, tellings).await
    }

    async fn insert_updates(&mut self, new: &[NewUpdate], now: DateTime<Utc>) -> Result<(), StoreError> {
        updates::insert(self, new, now).await
    }

    async fn delete_expired_parked(&mut self, before: DateTime<Utc>) -> Result<(), StoreError> {
        parked::delete_expired(self, before).await
    }

    async fn refresh_messages(&mut self, keys: &[MessageKey]) -> Result<Vec<RefreshedMessage>, StoreError> {
        updates::refresh(self, keys).await
    }

    async fn refresh_conversations(&mut self, changed: &[ConversationUpdate]) -> Result<(), StoreError> {
        conversations::refresh_after(self, changed).await
    }

    async fn stored_sources(&mut self, sources: &[&str]) -> Result<HashSet<String>, StoreError> {
        activities::stored_sources(self, sources).await
    }

    async fn insert_interactions(&mut self, new: &[Interaction], now: DateTime<Utc>) -> Result<(), StoreError> {
        activities::insert_interactions(self, new, now).await
    }

    async fn hide_revoked_texts(&mut self, revoked: &[MessageId]) -> Result<(), StoreError> {
        updates::hide_revoked_texts(self, revoked).await
    }

    async fn record_consent(&mut self, consent: &[(ContactId, bool, DateTime<Utc>)]) -> Result<(), StoreError> {
        activities::record_consent(self, consent).await
    }

    async fn apply_address_book_names(&mut self, names: &[(ContactId, String, Moment)]) -> Result<(), StoreError> {
        activities::apply_address_book_names(self, names).await
    }

    async fn extend_service_windows(
        &mut self,
        windows: &[(AccountId, ContactId, DateTime<Utc>)],
    ) -> Result<(), StoreError> {
        conversations::extend_service_windows(self, windows).await
    }
}
