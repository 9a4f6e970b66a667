use chrono::{DateTime, Utc};
use kernel::ids::{AccountId, ContactId, ConversationId, MessageId};
use kernel::{Arrival, ContentPart, DeliveryStatus, Direction, Forwarded, Origin};

/// One message of a conversation.
#[derive(Clone, Debug)]
pub struct Message {
    pub id: MessageId,
    pub conversation: ConversationId,
    /// WhatsApp's id of the message; `None` for an outbound one until Meta has named it.
    pub wamid: Option<String>,
    pub direction: Direction,
    pub origin: Origin,
    /// WhatsApp's `type`: `text`, `image`, ...; new types are kept as they are.
    pub kind: String,
    /// The readable text: body, caption, title of a button, answers of a form, items of an order.
    /// Lines of it are in `parts` as well.
    pub text: String,
    /// The structure of the text as it was sent; empty for plain words.
    pub parts: Vec<ContentPart>,
    pub media: Option<Media>,
    pub reply_to: Option<ReplyTo>,
    pub forwarded: Option<Forwarded>,
    /// The ad or post from which the customer started the chat, as JSON.
    pub referral: Option<String>,
    /// The last reaction of each person.
    pub reactions: Vec<Reaction>,
    /// Of outbound messages.
    pub delivery: Option<DeliveryStatus>,
    /// All reported statuses in the order of their times; those of one second in the order of their ranks.
    pub delivery_steps: Vec<DeliveryStep>,
    pub edited_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
    /// The payload that WhatsApp sent for this message, byte for byte; `None` if it was not asked for.
    pub payload: Option<String>,
    /// WhatsApp's time of the message, in whole seconds.
    pub provider_timestamp: DateTime<Utc>,
    pub arrival: Arrival,
    pub created_at: DateTime<Utc>,
}

/// Selects the messages of a list. None of them is in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageList {
    One(MessageId),
    OfConversation(ConversationId),
    /// In all conversations of the contact, or those with one account.
    OfContact {
        contact: ContactId,
        account: Option<AccountId>,
    },
}

/// What is read of each message besides its content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MessageParts {
    /// Whether its payload is.
    pub payload: bool,
}

impl Message {
    /// Without its content if it was revoked: no parts, no media, no referral, and an empty object as payload. Its text is replaced when the
    /// revocation is recorded. The rest says that there was a message, and what became of it.
    #[must_use]
    pub fn without_revoked_content(self) -> Self {
        match self.revoked_at {
            Some(_) => Self {
                parts: Vec::new(),
                media: None,
                referral: None,
                payload: self.payload.map(|_| "{}".to_owned()),
                ..self
            },
            None => self,
        }
    }
}

/// A reported delivery status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryStep {
    /// WhatsApp's name of the status; new ones may be added.
    pub status: String,
    /// In a group, the participant to whom it applies.
    pub participant: Option<String>,
    pub occurred_at: DateTime<Utc>,
    /// WhatsApp's JSON, with errors and pricing.
    pub payload: Option<String>,
}

/// A person's reaction to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaction {
    pub emoji: String,
    /// The customer; `None` for the business.
    pub contact: Option<ContactId>,
}

/// A picture, recording or file. WhatsApp keeps inbound media for 7 days.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Media {
    pub id: String,
    pub mime_type: Option<String>,
    /// Base64, as WhatsApp sends it.
    pub sha256: Option<String>,
    pub caption: Option<String>,
    pub filename: Option<String>,
}

/// The quoted message. It may not be stored: sent from the phone, by another tool, or not received yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyTo {
    pub wamid: String,
    pub message: Option<MessageId>,
}

#[cfg(test)]
mod tests {
    use kernel::ContentPartKind;

    use super::*;
    use crate::fake::{ACCOUNT, at};

    fn message(revoked_at: Option<DateTime<Utc>>) -> Message {
        Message {
            id: MessageId::from_uuid(ACCOUNT.as_uuid()),
            conversation: ConversationId::from_uuid(ACCOUNT.as_uuid()),
            wamid: Some("m1".to_owned()),
            direction: Direction::Inbound,
            origin: Origin::Live,
            kind: "image".to_owned(),
            text: "Look".to_owned(),
            parts: vec![ContentPart { label: "Name".to_owned(), value: "Ada".to_owned(), kind: ContentPartKind::Name }],
            media: Some(Media { id: "1".to_owned(), caption: Some("Look".to_owned()), ..Media::default() }),
            reply_to: None,
            forwarded: None,
            referral: Some(r#"{"source_id":"5"}"#.to_owned()),
            reactions: Vec::new(),
            delivery: None,
            delivery_steps: Vec::new(),
            edited_at: None,
            revoked_at,
            payload: Some(r#"{"image":{"id":"1"}}"#.to_owned()),
            provider_timestamp: at(0),
            arrival: Arrival::ZERO,
            created_at: at(0),
        }
    }

    #[test]
    fn only_revoked_message_has_no_content() {
        let kept = message(None).without_revoked_content();
        assert_eq!((kept.parts.len(), kept.media.is_some(), kept.referral.is_some()), (1, true, true));
        assert_eq!(kept.payload.as_deref(), Some(r#"{"image":{"id":"1"}}"#));
        let revoked = message(Some(at(1))).without_revoked_content();
        assert_eq!(revoked.parts, []);
        assert_eq!((revoked.media, revoked.referral, revoked.payload.as_deref()), (None, None, Some("{}")));
        assert_eq!((revoked.kind.as_str(), revoked.revoked_at), ("image", Some(at(1))));
    }
}
