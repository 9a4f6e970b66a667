use chrono::{DateTime, Utc};
use kernel::ids::{ContactId, InteractionId, MessageId, UserId};

/// One line of a contact's history, written in the transaction of what it tells of.
#[derive(Clone, Debug)]
pub struct Interaction {
    pub id: InteractionId,
    pub contact: ContactId,
    pub kind: InteractionKind,
    pub text: String,
    /// The user who did it, if one did.
    pub actor: Option<UserId>,
    pub message: Option<MessageId>,
    pub occurred_at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InteractionKind {
    InboundMessage,
}

impl InteractionKind {
    /// The name in the API and the database.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::InboundMessage => "inbound_message",
        }
    }
}
