use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel::ids::{AccountId, ContactId, ConversationId, MessageId};
use kernel::{Origin, StoreError};

use super::FakeStore;
use crate::inbox::{
    ConversationUpdate, InboxRepo, MessageKey, MessageState, NewMessage, NewUpdate, OpenConversation, REVOKED_TEXT,
    RefreshedMessage,
};
use crate::{Conversation, ConversationStatus, Interaction, InteractionKind, MarketingConsent, preview};

impl FakeStore {
    fn extend_service_window(&mut self, account: AccountId, contact: ContactId, ends_at: DateTime<Utc>) {
        let window = self.windows.entry((account, contact)).or_insert(ends_at);
        *window = ends_at.max(*window);
    }
}

#[async_trait]
impl InboxRepo for FakeStore {
    async fn stored_message_kinds(
        &mut self,
        messages: &[MessageKey],
    ) -> Result<HashMap<MessageKey, String>, StoreError> {
        let stored = self.messages.iter().map(|(it, _)| ((it.account, it.wamid.clone()), it.kind.clone()));
        Ok(stored.filter(|(key, _)| messages.contains(key)).collect())
    }

    async fn open_conversations(
        &mut self,
        wanted: &[OpenConversation],
        now: DateTime<Utc>,
    ) -> Result<Vec<OpenConversation>, StoreError> {
        let mut found = Vec::new();
        for wanted in wanted {
            let is_open = |it: &&Conversation| {
                (it.account, it.contact) == (wanted.account, wanted.contact) && it.status != ConversationStatus::Closed
            };
            if let Some(open) = self.conversations.iter().find(is_open) {
                found.push(OpenConversation { id: open.id, ..*wanted });
                continue;
            }
            self.conversations.push(Conversation {
                id: wanted.id,
                account: wanted.account,
                contact: wanted.contact,
                contact_display_name: self.contacts[&wanted.contact].display_name.clone(),
                contact_title: self.contacts[&wanted.contact].title(),
                status: ConversationStatus::Open,
                assignee: None,
                unread_count: 0,
                last_message_at: now,
                last_message_preview: String::new(),
                service_window_ends_at: None,
                read_only: false,
                version: 1,
            });
            found.push(*wanted);
        }
        Ok(found)
    }

    async fn last_conversations(
        &mut self,
        pairs: &[(AccountId, ContactId)],
    ) -> Result<Vec<OpenConversation>, StoreError> {
        let last = pairs.iter().filter_map(|(account, contact)| {
            let of_pair = self.conversations.iter().filter(|it| (it.account, it.contact) == (*account, *contact));
            let last = of_pair.max_by_key(|it| (it.status != ConversationStatus::Closed, it.last_message_at, it.id))?;
            Some(OpenConversation { id: last.id, account: *account, contact: *contact })
        });
        Ok(last.collect())
    }

    async fn insert_messages(&mut self, messages: &[NewMessage], _now: DateTime<Utc>) -> Result<(), StoreError> {
        self.messages.extend(messages.iter().map(|message| (message.clone(), MessageState::new(message))));
        Ok(())
    }

    async fn fill_placeholders(&mut self, contents: &[NewMessage]) -> Result<Vec<ConversationId>, StoreError> {
        let mut changed = Vec::new();
        for content in contents {
            let key = (content.account, content.wamid.as_str());
            for (stored, state) in self.messages.iter_mut().filter(|(it, _)| (it.account, it.wamid.as_str()) == key) {
                let (id, conversation, contact) = (stored.id, stored.conversation, stored.contact);
                *stored = NewMessage { id, conversation, contact, ..content.clone() };
                *state = MessageState::new(stored);
                let of_message = |it: &&mut Interaction| {
                    it.message == Some(id) && InteractionKind::WITH_TEXT_OF_MESSAGE.contains(&it.kind)
                };
                self.interactions.iter_mut().filter(of_message).for_each(|it| it.text = preview(&content.text));
                changed.extend(conversation);
            }
        }
        Ok(changed)
    }

    async fn insert_updates(&mut self, updates: &[NewUpdate], _now: DateTime<Utc>) -> Result<(), StoreError> {
        for update in updates {
            let key = (&update.message, update.effect.key());
            if !self.updates.iter().any(|stored| (&stored.message, stored.effect.key()) == key) {
                self.updates.push(update.clone());
            }
        }
        Ok(())
    }

    async fn refresh_messages(&mut self, keys: &[MessageKey]) -> Result<Vec<RefreshedMessage>, StoreError> {
        let mut refreshed = Vec::new();
        for (message, state) in &mut self.messages {
            let key = (message.account, message.wamid.clone());
            let updates: Vec<_> = self.updates.iter().filter(|update| update.message == key).cloned().collect();
            if !keys.contains(&key) || updates.is_empty() {
                continue;
            }
            let text = state.text.clone();
            *state = state.clone().with_updates(&updates);
            refreshed.push(RefreshedMessage {
                id: message.id,
                contact: message.contact,
                conversation: message.conversation,
                text_changed: state.text != text,
                is_revoked: state.revoked_at.is_some(),
                failed_at: state.failed_at,
            });
        }
        Ok(refreshed)
    }

    async fn delete_expired_parked(&mut self, _before: DateTime<Utc>) -> Result<(), StoreError> {
        Ok(())
    }

    async fn refresh_conversations(&mut self, updates: &[ConversationUpdate]) -> Result<(), StoreError> {
        for update in updates {
            let at = self.conversations.iter().position(|it| it.id == update.conversation).unwrap();
            let (account, contact) = (self.conversations[at].account, self.conversations[at].contact);
            if let Some(ends_at) = update.service_window_ends_at {
                self.extend_service_window(account, contact, ends_at);
            }
            let messages = self.messages.iter().filter(|(it, _)| it.conversation == Some(update.conversation));
            let (last, state) = messages.max_by_key(|(it, _)| (it.provider_timestamp, it.id)).unwrap();
            let conversation = &mut self.conversations[at];
            conversation.unread_count += update.unread;
            conversation.version += i64::from(update.unread);
            conversation.service_window_ends_at =
                conversation.service_window_ends_at.max(self.windows.get(&(account, contact)).copied());
            conversation.last_message_at = last.provider_timestamp;
            conversation.last_message_preview = preview(&state.text);
            conversation.read_only = last.origin == Origin::Standby;
        }
        Ok(())
    }

    async fn insert_interactions(&mut self, new: &[Interaction], _now: DateTime<Utc>) -> Result<(), StoreError> {
        for interaction in new {
            let is_same = |stored: &Interaction| {
                (stored.source.is_some() && stored.source == interaction.source)
                    || (stored.message.is_some()
                        && (stored.message, stored.kind) == (interaction.message, interaction.kind))
            };
            if !self.interactions.iter().any(is_same) {
                self.interactions.push(interaction.clone());
            }
        }
        Ok(())
    }

    async fn hide_revoked_texts(&mut self, revoked: &[MessageId]) -> Result<(), StoreError> {
        for (message, _) in self.messages.iter().filter(|(message, _)| revoked.contains(&message.id)) {
            let key = (message.account, message.wamid.clone());
            let edits = self.updates.iter().filter(|update| update.message == key && update.effect.key().0 == "edit");
            let sources: Vec<_> = edits.map(|it| Some(format!("update:{}:{}", key.0, it.effect.key().1))).collect();
            for interaction in &mut self.interactions {
                let is_of_message = interaction.message == Some(message.id)
                    && InteractionKind::WITH_TEXT_OF_MESSAGE.contains(&interaction.kind);
                if is_of_message || sources.contains(&interaction.source) {
                    REVOKED_TEXT.clone_into(&mut interaction.text);
                }
            }
        }
        Ok(())
    }

    async fn record_consent(&mut self, consent: &[(ContactId, bool, DateTime<Utc>)]) -> Result<(), StoreError> {
        for (contact, granted, at) in consent {
            if self.consent_at.get(contact).is_none_or(|stored| stored < at || (stored == at && !granted)) {
                self.consent_at.insert(*contact, *at);
                self.contacts.get_mut(contact).unwrap().marketing_consent =
                    if *granted { MarketingConsent::Granted } else { MarketingConsent::Withdrawn };
            }
        }
        Ok(())
    }

    async fn apply_address_book_names(
        &mut self,
        names: &[(ContactId, String, DateTime<Utc>)],
    ) -> Result<(), StoreError> {
        for (contact, name, _) in names.iter().filter(|(contact, ..)| !self.named_by_user.contains(contact)) {
            self.contacts.get_mut(contact).unwrap().display_name.clone_from(name);
        }
        Ok(())
    }

    async fn extend_service_windows(
        &mut self,
        windows: &[(AccountId, ContactId, DateTime<Utc>)],
    ) -> Result<(), StoreError> {
        for (account, contact, ends_at) in windows.iter().copied() {
            self.extend_service_window(account, contact, ends_at);
            let is_open = |it: &&mut Conversation| {
                (it.account, it.contact) == (account, contact) && it.status != ConversationStatus::Closed
            };
            for conversation in self.conversations.iter_mut().filter(is_open) {
                conversation.service_window_ends_at = conversation.service_window_ends_at.max(Some(ends_at));
            }
        }
        Ok(())
    }
}
