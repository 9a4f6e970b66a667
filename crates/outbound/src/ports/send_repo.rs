use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel::ids::{AccountId, ContactId, ConversationId, InteractionId, MessageId, SendId};
use kernel::{Arrival, StoreError};

use crate::{Attempt, NewOutboundMessage, NewSend, SendError, StoredSend};

/// A message to store with its send.
#[derive(Clone, Debug)]
pub struct NewMessageSend {
    pub message: NewOutboundMessage,
    pub send: NewSend,
    /// The line in the history of the contact.
    pub line: InteractionId,
}

/// A conversation to send in, with what decides whether that is possible. Locked until the transaction ends.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Thread {
    pub conversation: ConversationId,
    pub account: AccountId,
    pub waba_id: String,
    pub contact: ContactId,
    pub contact_name: String,
    /// A current WhatsApp user name of the contact.
    pub username: Option<String>,
    pub is_closed: bool,
    /// Another party answers in it.
    pub is_read_only: bool,
    /// Another conversation of account and contact that is not closed.
    pub other_open: Option<ConversationId>,
    pub service_window_ends_at: Option<DateTime<Utc>>,
    /// The number receives and sends.
    pub is_connected: bool,
    pub has_token: bool,
    pub is_registered: bool,
    /// A current phone number of the contact: digits with `+`.
    pub phone: Option<String>,
    /// A current BSUID of the contact within the number's business account.
    pub bsuid: Option<String>,
    pub opted_out: bool,
    pub send_read_receipts: bool,
}

/// The place of a message in its conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessagePlace {
    /// In whole seconds, not before the latest message of the conversation.
    pub at: DateTime<Utc>,
    pub arrival: Arrival,
}

/// A message that something is sent about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageToSend {
    pub conversation: Option<ConversationId>,
    pub wamid: Option<String>,
    pub is_inbound: bool,
    pub sent_at: DateTime<Utc>,
}

/// Sends of the transaction's tenant, as people and programs see them.
#[async_trait]
pub trait SendRepo: Send {
    /// Those of the conversations that exist. They are locked in one order, so that two transactions wait for each other instead of
    /// deadlocking.
    async fn lock_threads(
        &mut self,
        conversations: &[ConversationId],
    ) -> Result<HashMap<ConversationId, Thread>, StoreError>;
    async fn lock_thread(&mut self, conversation: ConversationId) -> Result<Option<Thread>, StoreError> {
        Ok(self.lock_threads(&[conversation]).await?.remove(&conversation))
    }
    /// Those of the messages that exist, of any conversation.
    async fn messages_to_send(
        &mut self,
        messages: &[MessageId],
    ) -> Result<HashMap<MessageId, MessageToSend>, StoreError>;
    async fn message_to_send(&mut self, message: MessageId) -> Result<Option<MessageToSend>, StoreError> {
        Ok(self.messages_to_send(&[message]).await?.remove(&message))
    }
    /// The latest message of the customer in a conversation that WhatsApp knows.
    async fn latest_inbound(
        &mut self,
        conversation: ConversationId,
    ) -> Result<Option<(MessageId, MessageToSend)>, StoreError>;
    /// Stores messages, their sends and a line in the history of the contact for each, and shows them in their conversations, which are
    /// open afterwards. The conversations are locked. Messages of one conversation are placed in the order of `new`.
    async fn insert_message_sends(
        &mut self,
        new: &[NewMessageSend],
        now: DateTime<Utc>,
    ) -> Result<Vec<MessagePlace>, StoreError>;
    /// Stores a send that is no message.
    async fn insert_send(&mut self, send: &NewSend, now: DateTime<Utc>) -> Result<(), StoreError>;
    /// The sends of messages.
    async fn sends_of(
        &mut self,
        messages: &[MessageId],
        now: DateTime<Utc>,
    ) -> Result<HashMap<MessageId, StoredSend>, StoreError>;
    /// The send of a message, locked until the transaction ends.
    async fn lock_send(&mut self, message: MessageId, now: DateTime<Utc>) -> Result<Option<StoredSend>, StoreError>;
    /// Replaces a send that has not left: its content, address and times.
    async fn replace_send(
        &mut self,
        message: &NewOutboundMessage,
        send: &NewSend,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError>;
    /// Cancels a send that has not left.
    async fn cancel_send(&mut self, send: SendId, error: &SendError, now: DateTime<Utc>) -> Result<(), StoreError>;
    /// A new attempt of a send that has ended; its message has no wamid and no delivery status until then.
    async fn requeue_send(
        &mut self,
        send: SendId,
        send_before: DateTime<Utc>,
        may_have_been_sent: bool,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError>;
    async fn dismiss_send(&mut self, send: SendId, now: DateTime<Utc>) -> Result<(), StoreError>;
    /// Oldest first.
    async fn send_attempts(&mut self, send: SendId) -> Result<Vec<Attempt>, StoreError>;
}
