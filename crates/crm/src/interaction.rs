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

/// What a user writes down about a contact: 1 to 4,000 characters, of any number of lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteText(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to 4000 characters, and no control characters but tabs and ends of lines")]
pub struct InvalidNote;

impl NoteText {
    /// # Errors
    /// [`InvalidNote`].
    pub fn parse(text: &str) -> Result<Self, InvalidNote> {
        let text = text.trim();
        let is_strange = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        let sane = (1..=4_000).contains(&text.chars().count()) && !text.chars().any(is_strange);
        if sane { Ok(Self(text.to_owned())) } else { Err(InvalidNote) }
    }

    #[must_use]
    pub fn into_inner(self) -> String {
        self.0
    }
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
    /// Written by a user.
    Note = "note",
    ConversationClosed = "conversation_closed",
    ConversationReopened = "conversation_reopened",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_have_text_and_lines() {
        assert_eq!(NoteText::parse(" called:\n\tno answer\n").unwrap().into_inner(), "called:\n\tno answer");
        for wrong in ["", " \n ", "nul\0", "\u{1b}[31m", &"é".repeat(4_001)] {
            assert!(NoteText::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
