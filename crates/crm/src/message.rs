use chrono::{DateTime, Utc};
use kernel::ids::{ContactId, ConversationId, MessageId};
use kernel::{DeliveryStatus, Direction, Forwarded, Origin};

/// One message of a conversation.
#[derive(Clone, Debug)]
pub struct Message {
    pub id: MessageId,
    pub conversation: ConversationId,
    /// WhatsApp's id of the message.
    pub wamid: String,
    pub direction: Direction,
    pub origin: Origin,
    /// WhatsApp's `type`: `text`, `image`, ...; new types are kept as they are.
    pub kind: String,
    /// The readable text: body, caption, title of a button, line of a location.
    pub text: String,
    pub media: Option<Media>,
    pub reply_to: Option<ReplyTo>,
    pub forwarded: Option<Forwarded>,
    /// The ad or post from which the customer started the chat, as JSON.
    pub referral: Option<String>,
    /// The last reaction of each person.
    pub reactions: Vec<Reaction>,
    /// Of outbound messages.
    pub delivery: Option<DeliveryStatus>,
    /// All reported statuses in the order of their times.
    pub delivery_steps: Vec<DeliveryStep>,
    pub edited_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
    /// The payload that WhatsApp sent for this message, byte for byte.
    pub payload: String,
    /// WhatsApp's time of the message, in whole seconds.
    pub provider_timestamp: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
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
