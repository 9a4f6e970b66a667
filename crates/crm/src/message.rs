use chrono::{DateTime, Utc};
use kernel::ids::{ConversationId, MessageId};

/// One message of a conversation.
#[derive(Clone, Debug)]
pub struct Message {
    pub id: MessageId,
    pub conversation: ConversationId,
    /// WhatsApp's id of the message.
    pub wamid: String,
    pub direction: Direction,
    /// WhatsApp's `type`: `text`, `image`, ...; kinds that are not known yet stay as they are.
    pub kind: String,
    /// What a person reads: body, caption, title of a button, line of a location.
    pub text: String,
    pub media: Option<Media>,
    pub reply_to: Option<ReplyTo>,
    /// The ad or post that the message came from, as JSON.
    pub referral: Option<String>,
    /// Of outbound messages.
    pub delivery: Option<Delivery>,
    pub edited_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
    /// What WhatsApp sent for this message, to the byte.
    pub payload: String,
    /// When WhatsApp says that it was sent; whole seconds.
    pub provider_timestamp: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the customer.
    Inbound,
    /// To the customer.
    Outbound,
}

/// How far an outbound message has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Delivery {
    Pending,
    Sent,
    Delivered,
    Read,
    Played,
    Failed,
}

/// Where a picture, recording or file can be fetched, and what it is. WhatsApp keeps inbound media for 7 days.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Media {
    pub id: String,
    pub mime_type: Option<String>,
    /// Base64, as WhatsApp sends it.
    pub sha256: Option<String>,
    pub caption: Option<String>,
    pub filename: Option<String>,
}

/// The quoted message. It may be unknown here: sent from the phone, by another tool, or not stored yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyTo {
    pub wamid: String,
    pub message: Option<MessageId>,
}
