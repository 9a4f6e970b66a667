use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel::ids::{AccountId, ContactId, ConversationId, MessageId, SendId};
use kernel::{Arrival, StoreError};
use outbound::{
    Attempt, MessagePlace, MessageToSend, NewMessageSend, NewOutboundMessage, NewSend, SendError, SendRepo, StoredSend,
    Thread,
};

use super::{FakeStore, at};

/// The conversations in which can be sent, and what is to be sent.
#[derive(Debug, Default)]
pub(crate) struct FakeSends {
    pub(crate) threads: BTreeMap<ConversationId, Thread>,
    pub(crate) messages: HashMap<MessageId, MessageToSend>,
    pub(crate) stored: Vec<NewMessageSend>,
    /// Calls that would each be a statement.
    pub(crate) statements: usize,
}

impl FakeStore {
    /// Adds a conversation in which anything can be sent for a day.
    pub(crate) fn add_thread(&mut self) -> ConversationId {
        let (id, account, contact) =
            (ConversationId::new(&*self.clock), AccountId::new(&*self.clock), ContactId::new(&*self.clock));
        let thread = Thread { service_window_ends_at: Some(at(86_400)), ..thread(id, account, contact) };
        self.sends.threads.insert(id, thread);
        id
    }

    pub(crate) fn thread_mut(&mut self, id: ConversationId) -> &mut Thread {
        self.sends.threads.get_mut(&id).unwrap()
    }
}

/// A conversation of a customer who has not written.
pub(crate) fn thread(conversation: ConversationId, account: AccountId, contact: ContactId) -> Thread {
    Thread {
        conversation,
        account,
        waba_id: "900".to_owned(),
        contact,
        contact_name: "Ada".to_owned(),
        username: None,
        is_closed: false,
        is_read_only: false,
        other_open: None,
        service_window_ends_at: None,
        is_connected: true,
        has_token: true,
        is_registered: true,
        phone: Some("+15550100".to_owned()),
        bsuid: None,
        opted_out: false,
        send_read_receipts: false,
    }
}

#[async_trait]
impl SendRepo for FakeStore {
    async fn lock_threads(
        &mut self,
        conversations: &[ConversationId],
    ) -> Result<HashMap<ConversationId, Thread>, StoreError> {
        self.sends.statements += 1;
        let find = |id: &ConversationId| self.sends.threads.get(id).map(|thread| (*id, thread.clone()));
        Ok(conversations.iter().filter_map(find).collect())
    }

    async fn messages_to_send(
        &mut self,
        messages: &[MessageId],
    ) -> Result<HashMap<MessageId, MessageToSend>, StoreError> {
        self.sends.statements += 1;
        let find = |id: &MessageId| self.sends.messages.get(id).map(|message| (*id, message.clone()));
        Ok(messages.iter().filter_map(find).collect())
    }

    async fn latest_inbound(&mut self, _: ConversationId) -> Result<Option<(MessageId, MessageToSend)>, StoreError> {
        unreachable!("no unit test tells Meta about messages")
    }

    async fn insert_message_sends(
        &mut self,
        new: &[NewMessageSend],
        now: DateTime<Utc>,
    ) -> Result<Vec<MessagePlace>, StoreError> {
        self.sends.statements += 1;
        let first = self.sends.stored.len();
        self.sends.stored.extend_from_slice(new);
        let place = |place: usize| MessagePlace { at: now, arrival: Arrival::new(i64::try_from(place).unwrap()) };
        Ok((first..self.sends.stored.len()).map(place).collect())
    }

    async fn insert_send(&mut self, _: &NewSend, _: DateTime<Utc>) -> Result<(), StoreError> {
        unreachable!("no unit test tells Meta about messages")
    }

    async fn sends_of(
        &mut self,
        _: &[MessageId],
        _: DateTime<Utc>,
    ) -> Result<HashMap<MessageId, StoredSend>, StoreError> {
        unreachable!("no unit test reads sends")
    }

    async fn lock_send(&mut self, _: MessageId, _: DateTime<Utc>) -> Result<Option<StoredSend>, StoreError> {
        unreachable!("no unit test changes sends")
    }

    async fn replace_send(&mut self, _: &NewOutboundMessage, _: &NewSend, _: DateTime<Utc>) -> Result<(), StoreError> {
        unreachable!("no unit test changes sends")
    }

    async fn cancel_send(&mut self, _: SendId, _: &SendError, _: DateTime<Utc>) -> Result<(), StoreError> {
        unreachable!("no unit test changes sends")
    }

    async fn requeue_send(&mut self, _: SendId, _: DateTime<Utc>, _: bool, _: DateTime<Utc>) -> Result<(), StoreError> {
        unreachable!("no unit test changes sends")
    }

    async fn dismiss_send(&mut self, _: SendId, _: DateTime<Utc>) -> Result<(), StoreError> {
        unreachable!("no unit test changes sends")
    }

    async fn send_attempts(&mut self, _: SendId) -> Result<Vec<Attempt>, StoreError> {
        unreachable!("no unit test sends")
    }
}
