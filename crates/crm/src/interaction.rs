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
    /// The same for every telling of the same thing, where that is no message: it is told once.
    pub source: Option<String>,
    pub occurred_at: DateTime<Utc>,
}

/// Defines the kinds with their names in the API and the database.
macro_rules! interaction_kinds {
    ($($(#[$doc:meta])* $kind:ident = $key:literal,)+) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum InteractionKind {
            $($(#[$doc])* $kind,)+
        }

        impl InteractionKind {
            pub const ALL: &[Self] = &[$(Self::$kind),+];

            /// The name in the API and the database.
            #[must_use]
            pub const fn key(self) -> &'static str {
                match self {
                    $(Self::$kind => $key,)+
                }
            }
        }
    };
}

interaction_kinds! {
    InboundMessage = "inbound_message",
    OutboundMessage = "outbound_message",
    /// In a group that both are in.
    GroupMessage = "group_message",
    Reaction = "reaction",
    MessageEdited = "message_edited",
    MessageRevoked = "message_revoked",
    DeliveryFailed = "delivery_failed",
    /// Another number, or another user id.
    IdentityChanged = "identity_changed",
    /// Two contacts became one.
    ContactMerged = "contact_merged",
    ConsentChanged = "consent_changed",
    Call = "call",
    /// The address book of the business's phone says something about them.
    AddressBook = "address_book",
    /// WhatsApp says something about them.
    Notice = "notice",
}
