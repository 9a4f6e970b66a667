//! Recording what customers send.

mod record;

use chrono::{DateTime, Utc};
use kernel::ids::{AccountId, ContactId, ConversationId, MessageId};

use crate::identity::Person;
use crate::{Media, ReplyTo};

pub use record::{Recorded, record_inbound};

/// A message as it came in, before it has a contact or a conversation.
#[derive(Clone, Debug)]
pub struct InboundMessage {
    pub account: AccountId,
    pub wamid: String,
    pub sender: Person,
    pub kind: String,
    pub text: String,
    pub media: Option<Media>,
    pub reply_to: Option<String>,
    pub referral: Option<String>,
    pub payload: String,
    pub provider_timestamp: DateTime<Utc>,
}

/// A message that has found its place.
#[derive(Clone, Debug)]
pub struct NewMessage {
    pub id: MessageId,
    pub conversation: ConversationId,
    pub contact: ContactId,
    pub account: AccountId,
    pub wamid: String,
    pub kind: String,
    pub text: String,
    pub media: Option<Media>,
    pub reply_to: Option<ReplyTo>,
    pub referral: Option<String>,
    pub payload: String,
    pub provider_timestamp: DateTime<Utc>,
}

/// The one conversation of an account and a contact that is not closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenConversation {
    pub id: ConversationId,
    pub account: AccountId,
    pub contact: ContactId,
}

/// What a batch brought to one conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    pub conversation: ConversationId,
    pub messages: i32,
    pub last_message_at: DateTime<Utc>,
    pub last_message_preview: String,
    pub service_window_ends_at: DateTime<Utc>,
}
