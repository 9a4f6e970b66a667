use chrono::{DateTime, Utc};
use kernel::ids::{ContactId, InteractionId, MessageId};
use kernel::{Actor, Arrival};
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::inbox::MessageKey;

/// An entry in a contact's history, written in the transaction of the event that it describes.
#[derive(Clone, Debug)]
pub struct Interaction {
    pub id: InteractionId,
    pub contact: ContactId,
    pub kind: InteractionKind,
    pub text: String,
    /// The user or the API key that caused it, if any.
    pub actor: Option<Actor>,
    pub message: Option<MessageId>,
    /// The message that it is about, which may not be stored yet.
    pub about: Option<MessageKey>,
    /// Equal for each delivery of the same event, if that is no message; an interaction of each source is stored once.
    pub source: Option<String>,
    pub occurred_at: DateTime<Utc>,
    /// Zero if a user or an API key caused it.
    pub arrival: Arrival,
}

/// The text of a user's note on a contact: 1 to 4,000 characters in any number of lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteText(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to 4000 characters, and no control characters other than tabs and line breaks")]
pub struct InvalidNote;

impl NoteText {
    /// # Errors
    /// [`InvalidNote`].
    pub fn parse(text: &str) -> Result<Self, InvalidNote> {
        let text = text.trim();
        let is_forbidden = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        let is_valid = (1..=4_000).contains(&text.chars().count()) && !text.chars().any(is_forbidden);
        if is_valid { Ok(Self(text.to_owned())) } else { Err(InvalidNote) }
    }

    #[must_use]
    pub fn into_inner(self) -> String {
        self.0
    }
}

/// What an interaction describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum InteractionKind {
    InboundMessage,
    OutboundMessage,
    /// In a group of which the contact and the business are members.
    GroupMessage,
    Reaction,
    MessageEdited,
    MessageRevoked,
    DeliveryFailed,
    /// Written by a user.
    Note,
    ConversationClosed,
    ConversationReopened,
    /// The contact's phone number or user id changed.
    IdentityChanged,
    /// Another contact was merged into this one.
    ContactMerged,
    ConsentChanged,
    Call,
    /// The contact was changed in, or removed from, the address book of the business's phone.
    AddressBook,
    /// A system message of WhatsApp about the contact.
    Notice,
}

impl InteractionKind {
    /// The kinds that show the text of their message. Other kinds that name a message have a text of their own.
    pub const WITH_TEXT_OF_MESSAGE: [Self; 3] = [Self::InboundMessage, Self::OutboundMessage, Self::GroupMessage];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn note_of_several_lines_is_trimmed_and_kept() {
        assert_eq!(NoteText::parse(" called:\n\tno answer\n").unwrap().into_inner(), "called:\n\tno answer");
        for wrong in ["", " \n ", "nul\0", "\u{1b}[31m", &"é".repeat(4_001)] {
            assert!(NoteText::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
