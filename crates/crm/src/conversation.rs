use chrono::{DateTime, Utc};
use kernel::Arrival;
use kernel::ids::{AccountId, ContactId, ConversationId, UserId};
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

/// A thread of messages between one of the tenant's WhatsApp accounts and one contact.
#[derive(Clone, Debug)]
pub struct Conversation {
    pub id: ConversationId,
    pub account: AccountId,
    pub contact: ContactId,
    pub contact_display_name: String,
    /// Who the contact is; see [`title`](crate::title).
    pub contact_title: String,
    pub status: ConversationStatus,
    /// Made by an import: its messages are from before the number was connected.
    pub is_imported: bool,
    /// The conversation of the same account and contact before this one.
    pub previous: Option<ConversationId>,
    pub assignee: Option<UserId>,
    /// What came from the customer since a user last marked it as read: messages, missed calls, and messages that they changed or
    /// reacted to.
    pub unread_count: i32,
    pub last_message_at: DateTime<Utc>,
    /// The time of what the preview shows: the last message, a change of one, or a missed call.
    pub last_activity_at: DateTime<Utc>,
    pub arrival: Arrival,
    pub last_message_preview: String,
    /// Free-form messages are allowed until then: 24 hours after the customer's last message or call (a rule of WhatsApp).
    pub service_window_ends_at: Option<DateTime<Utc>>,
    /// Another party, such as Meta's own agent, answers in this conversation.
    pub read_only: bool,
    pub version: i64,
}

/// At most one conversation of an account and a contact is not closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum ConversationStatus {
    Open,
    Pending,
    Closed,
}

impl Conversation {
    /// Why it is closed, if not by a user.
    #[must_use]
    pub const fn closed_reason(&self) -> Option<ClosedReason> {
        match self.status {
            ConversationStatus::Closed if self.is_imported => Some(ClosedReason::Imported),
            _ => None,
        }
    }
}

/// Why a conversation is closed that no user closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum ClosedReason {
    /// Its messages are from before the number was connected.
    Imported,
}

/// Limits a list of conversations.
#[derive(Clone, Copy, Debug, Default)]
pub struct ConversationFilter {
    pub status: Option<ConversationStatus>,
    pub assignee: Option<UserId>,
    pub account: Option<AccountId>,
}
