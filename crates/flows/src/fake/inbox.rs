//! The inbox of a tenant without conversations. How events are recorded is tested in the crate `crm`.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use crm::Interaction;
use crm::identity::{IdentityChange, IdentityKey, IdentityRecord, Merge, NewContact, Person, StoredIdentities};
use crm::inbox::{
    AcceptedMessage, ConversationUpdate, IdentityRepo, InboxRepo, Lock, MessageKey, Moment, NewMessage, NewUpdate,
    OpenConversation, RefreshedMessage, SentProof, StoredMessage, Telling,
};
use kernel::StoreError;
use kernel::ids::{AccountId, ContactId, ConversationId, MessageId};

use super::FakeStore;
use super::sends::thread;

/// What was recorded.
#[derive(Debug, Default)]
pub(crate) struct FakeInbox {
    pub(crate) messages: Vec<NewMessage>,
}

#[async_trait]
impl IdentityRepo for FakeStore {
    async fn lock_recording_shared(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn lock_recording_exclusive(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn erased(&mut self, _: &[IdentityKey]) -> Result<HashMap<IdentityKey, DateTime<Utc>>, StoreError> {
        Ok(HashMap::new())
    }

    async fn lock(&mut self, _: &[Lock]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn stored_identities(&mut self, _: &[IdentityKey]) -> Result<StoredIdentities, StoreError> {
        Ok(StoredIdentities::default())
    }

    async fn keys_of_contacts(&mut self, _: &[ContactId]) -> Result<HashMap<ContactId, Vec<IdentityKey>>, StoreError> {
        Ok(HashMap::new())
    }

    async fn store_changes(&mut self, _: &[IdentityChange], _: DateTime<Utc>) -> Result<(), StoreError> {
        unreachable!("no event of unit tests changes an identity")
    }

    async fn store_sightings(&mut self, _: &[Person], _: DateTime<Utc>) -> Result<(), StoreError> {
        unreachable!("no event of unit tests links identities")
    }

    async fn delete_sightings(&mut self, _: &[Person]) -> Result<(), StoreError> {
        unreachable!("no event of unit tests links identities")
    }

    async fn mark_changes_applied(&mut self, _: &[IdentityChange]) -> Result<(), StoreError> {
        unreachable!("no event of unit tests changes an identity")
    }

    async fn insert_contacts(&mut self, _: &[NewContact], _: DateTime<Utc>) -> Result<(), StoreError> {
        Ok(())
    }

    async fn merge_contacts(&mut self, merges: &[Merge], _: DateTime<Utc>) -> Result<(), StoreError> {
        for Merge { from, into } in merges {
            self.contacts.by_id.remove(from);
            self.contacts.redirects.insert(*from, *into);
        }
        Ok(())
    }

    async fn store_identities(&mut self, _: &[IdentityRecord], _: DateTime<Utc>) -> Result<(), StoreError> {
        Ok(())
    }

    async fn clear_review(&mut self, _: &[ContactId], _: DateTime<Utc>) -> Result<(), StoreError> {
        unreachable!("no identities of unit tests conflict")
    }

    async fn flag_for_review(&mut self, _: &[ContactId], _: DateTime<Utc>) -> Result<(), StoreError> {
        unreachable!("no identities of unit tests conflict")
    }

    async fn name_unnamed_contacts(&mut self, _: &[(ContactId, String)], _: DateTime<Utc>) -> Result<(), StoreError> {
        unreachable!("no event of unit tests names a customer")
    }
}

#[async_trait]
impl InboxRepo for FakeStore {
    async fn stored_messages(
        &mut self,
        messages: &[MessageKey],
    ) -> Result<HashMap<MessageKey, StoredMessage>, StoreError> {
        let stored = self.inbox.messages.iter().map(|it| ((it.account, it.wamid.clone()), StoredMessage::of(it)));
        Ok(stored.filter(|(key, _)| messages.contains(key)).collect())
    }

    async fn open_conversations(
        &mut self,
        wanted: &[OpenConversation],
        _: DateTime<Utc>,
    ) -> Result<Vec<OpenConversation>, StoreError> {
        for OpenConversation { id, account, contact } in wanted {
            self.sends.threads.insert(*id, thread(*id, *account, *contact));
        }
        Ok(wanted.to_vec())
    }

    async fn imported_conversations(
        &mut self,
        _: &[OpenConversation],
        _: DateTime<Utc>,
    ) -> Result<Vec<OpenConversation>, StoreError> {
        unreachable!("no message of unit tests is imported")
    }

    async fn delete_empty_imported(&mut self, _: &[ConversationId]) -> Result<Vec<ConversationId>, StoreError> {
        Ok(Vec::new())
    }

    async fn settle_sent(&mut self, _: &[SentProof], _: DateTime<Utc>) -> Result<Vec<AcceptedMessage>, StoreError> {
        Ok(Vec::new())
    }

    async fn insert_messages(&mut self, messages: &[NewMessage], _: DateTime<Utc>) -> Result<(), StoreError> {
        self.inbox.messages.extend_from_slice(messages);
        Ok(())
    }

    async fn complete_messages(&mut self, _: &[Telling]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn insert_updates(&mut self, _: &[NewUpdate], _: DateTime<Utc>) -> Result<(), StoreError> {
        unreachable!("no event of unit tests updates a message")
    }

    async fn refresh_messages(&mut self, _: &[MessageKey]) -> Result<Vec<RefreshedMessage>, StoreError> {
        Ok(Vec::new())
    }

    async fn delete_expired_parked(&mut self, _: DateTime<Utc>) -> Result<(), StoreError> {
        unreachable!("no event of unit tests updates a message")
    }

    async fn refresh_conversations(&mut self, _: &[ConversationUpdate]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn stored_sources(&mut self, _: &[&str]) -> Result<HashSet<String>, StoreError> {
        unreachable!("no event of unit tests is a missed call")
    }

    async fn insert_interactions(&mut self, _: &[Interaction], _: DateTime<Utc>) -> Result<(), StoreError> {
        Ok(())
    }

    async fn hide_revoked_texts(&mut self, _: &[MessageId]) -> Result<(), StoreError> {
        unreachable!("no event of unit tests revokes a message")
    }

    async fn record_consent(&mut self, _: &[(ContactId, bool, DateTime<Utc>)]) -> Result<(), StoreError> {
        unreachable!("no event of unit tests changes the consent")
    }

    async fn apply_address_book_names(&mut self, _: &[(ContactId, String, Moment)]) -> Result<(), StoreError> {
        unreachable!("no event of unit tests names a customer")
    }

    async fn extend_service_windows(&mut self, _: &[(AccountId, ContactId, DateTime<Utc>)]) -> Result<(), StoreError> {
        unreachable!("no event of unit tests is a call")
    }
}
