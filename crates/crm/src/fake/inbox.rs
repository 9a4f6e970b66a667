use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel::ids::{AccountId, ContactId, ConversationId, MessageId};
use kernel::{Arrival, DeliveryStatus, Origin, StoreError};

use super::FakeStore;
use crate::inbox::{
    AcceptedMessage, ConversationUpdate, InboxRepo, MISSED_CALL, MessageKey, MessageState, Moment, NewMessage,
    NewUpdate, OpenConversation, REVOKED_TEXT, RefreshedMessage, SentProof, StoredMessage, Telling,
};
use crate::{Conversation, ConversationStatus, Interaction, InteractionKind, MarketingConsent, preview};

impl FakeStore {
    fn find_or_open(
        &mut self,
        wanted: OpenConversation,
        now: DateTime<Utc>,
        is_wanted: impl Fn(&Conversation) -> bool,
        is_imported: bool,
    ) -> OpenConversation {
        let of_pair = |it: &&Conversation| (it.account, it.contact) == (wanted.account, wanted.contact);
        if let Some(found) = self.conversations.iter().filter(of_pair).find(|it| is_wanted(it)) {
            return OpenConversation { id: found.id, ..wanted };
        }
        self.conversations.push(Conversation {
            id: wanted.id,
            account: wanted.account,
            contact: wanted.contact,
            contact_display_name: self.contacts[&wanted.contact].display_name.clone(),
            contact_title: self.contacts[&wanted.contact].title(),
            status: if is_imported { ConversationStatus::Closed } else { ConversationStatus::Open },
            is_imported,
            previous: None,
            assignee: None,
            unread_count: 0,
            last_message_at: now,
            last_activity_at: now,
            arrival: Arrival::ZERO,
            last_message_preview: String::new(),
            service_window_ends_at: None,
            read_only: false,
            version: 1,
        });
        wanted
    }

    fn extend_service_window(&mut self, account: AccountId, contact: ContactId, ends_at: DateTime<Utc>) {
        let window = self.windows.entry((account, contact)).or_insert(ends_at);
        *window = ends_at.max(*window);
    }
}

#[async_trait]
impl InboxRepo for FakeStore {
    async fn stored_messages(
        &mut self,
        messages: &[MessageKey],
    ) -> Result<HashMap<MessageKey, StoredMessage>, StoreError> {
        let stored = self.messages.iter().map(|(it, _)| ((it.account, it.wamid.clone()), StoredMessage::of(it)));
        Ok(stored.filter(|(key, _)| messages.contains(key)).collect())
    }

    async fn open_conversations(
        &mut self,
        wanted: &[OpenConversation],
        now: DateTime<Utc>,
    ) -> Result<Vec<OpenConversation>, StoreError> {
        let is_open = |it: &Conversation| it.status != ConversationStatus::Closed;
        Ok(wanted.iter().map(|wanted| self.find_or_open(*wanted, now, is_open, false)).collect())
    }

    async fn imported_conversations(
        &mut self,
        wanted: &[OpenConversation],
        now: DateTime<Utc>,
    ) -> Result<Vec<OpenConversation>, StoreError> {
        let is_imported = |it: &Conversation| it.is_imported;
        Ok(wanted.iter().map(|wanted| self.find_or_open(*wanted, now, is_imported, true)).collect())
    }

    async fn delete_empty_imported(&mut self, ids: &[ConversationId]) -> Result<Vec<ConversationId>, StoreError> {
        let used: Vec<_> = self.messages.iter().filter_map(|(it, _)| it.conversation).collect();
        let is_empty = |it: &Conversation| it.is_imported && ids.contains(&it.id) && !used.contains(&it.id);
        let deleted = self.conversations.iter().filter(|it| is_empty(it)).map(|it| it.id).collect();
        self.conversations.retain(|it| !is_empty(it));
        Ok(deleted)
    }

    async fn settle_sent(&mut self, _: &[SentProof], _: DateTime<Utc>) -> Result<Vec<AcceptedMessage>, StoreError> {
        Ok(Vec::new())
    }

    async fn insert_messages(&mut self, messages: &[NewMessage], _now: DateTime<Utc>) -> Result<(), StoreError> {
        self.messages.extend(messages.iter().map(|message| (message.clone(), MessageState::new(message))));
        Ok(())
    }

    async fn complete_messages(&mut self, tellings: &[Telling]) -> Result<(), StoreError> {
        for Telling { message: told, has_better_content, has_higher_rank } in tellings {
            let key = (told.account, told.wamid.as_str());
            for (stored, state) in self.messages.iter_mut().filter(|(it, _)| (it.account, it.wamid.as_str()) == key) {
                let before = stored.clone();
                if *has_better_content {
                    let (id, contact) = (before.id, before.contact);
                    let (origin, provider_timestamp) = (before.origin, before.provider_timestamp);
                    *stored = NewMessage { id, contact, origin, provider_timestamp, ..told.clone() };
                }
                if *has_higher_rank {
                    (stored.origin, stored.provider_timestamp) = (told.origin, told.provider_timestamp);
                }
                stored.conversation = told.conversation.or(before.conversation);
                stored.arrival = before.arrival.min(told.arrival);
                stored.delivery = before.delivery.into_iter().chain(told.delivery).reduce(DeliveryStatus::latest);
                if *has_better_content {
                    *state = MessageState::new(stored);
                }
                state.delivery = state.delivery.into_iter().chain(stored.delivery).reduce(DeliveryStatus::latest);
                let of_message = |it: &&mut Interaction| {
                    it.message == Some(stored.id) && InteractionKind::WITH_TEXT_OF_MESSAGE.contains(&it.kind)
                };
                for interaction in self.interactions.iter_mut().filter(of_message) {
                    if *has_better_content {
                        interaction.text = preview(&state.text);
                    }
                    (interaction.occurred_at, interaction.arrival) = (stored.provider_timestamp, stored.arrival);
                }
            }
        }
        Ok(())
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
            let (text, activity) = (state.text.clone(), state.activity);
            *state = state.clone().with_updates(&updates);
            refreshed.push(RefreshedMessage {
                id: message.id,
                contact: message.contact,
                conversation: message.conversation,
                text_changed: state.text != text,
                activity_changed: state.activity != activity,
                activity: state.activity,
                news: 0,
                unread: 0,
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
            let last = messages.max_by_key(|(it, _)| (it.provider_timestamp, it.arrival, it.id));
            let conversation = &mut self.conversations[at];
            conversation.unread_count += update.unread;
            conversation.version += i64::from(update.news);
            if !conversation.is_imported {
                conversation.service_window_ends_at =
                    conversation.service_window_ends_at.max(self.windows.get(&(account, contact)).copied());
            }
            if let Some((last, state)) = last {
                conversation.last_message_at = last.provider_timestamp;
                conversation.last_activity_at = last.provider_timestamp;
                conversation.arrival = last.arrival;
                conversation.last_message_preview = preview(&state.text);
                conversation.read_only = last.origin == Origin::Standby;
            }
            if let Some((at, arrival)) = update.missed_call {
                (conversation.last_activity_at, conversation.arrival) = (at, arrival);
                MISSED_CALL.clone_into(&mut conversation.last_message_preview);
            }
        }
        Ok(())
    }

    async fn stored_sources(&mut self, sources: &[&str]) -> Result<HashSet<String>, StoreError> {
        let stored = self.interactions.iter().filter_map(|it| it.source.clone());
        Ok(stored.filter(|source| sources.contains(&source.as_str())).collect())
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

    async fn apply_address_book_names(&mut self, names: &[(ContactId, String, Moment)]) -> Result<(), StoreError> {
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
