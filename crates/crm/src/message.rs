use chrono::{DateTime, Utc};
use kernel::ids::{ContactId, ConversationId, MessageId};

/// One message of a conversation.
#[derive(Clone, Debug)]
pub struct Message {
    pub id: MessageId,
    pub conversation: ConversationId,
    /// WhatsApp's id of the message.
    pub wamid: String,
    pub direction: Direction,
    pub origin: Origin,
    /// WhatsApp's `type`: `text`, `image`, ...; kinds that are not known yet stay as they are.
    pub kind: String,
    /// What a person reads: body, caption, title of a button, line of a location.
    pub text: String,
    pub media: Option<Media>,
    pub reply_to: Option<ReplyTo>,
    pub forwarded: Option<Forwarded>,
    /// The ad or post that the message came from, as JSON.
    pub referral: Option<String>,
    /// Of everyone the one they left last.
    pub reactions: Vec<Reaction>,
    /// Of outbound messages.
    pub delivery: Option<Delivery>,
    /// Everything that was told about the delivery, in the order of its times.
    pub delivery_steps: Vec<DeliveryStep>,
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

/// Through which door a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The customer just wrote.
    Live,
    /// The business wrote it in the app on a phone.
    NativeApp,
    /// From before the number was connected.
    History,
    /// Somebody else holds the thread, such as Meta's own agent.
    Standby,
}

/// How a message was passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forwarded {
    Once,
    /// More than five times.
    Frequently,
}

/// How far an outbound message has come, in this order: a message never goes back. So one that failed may still turn out
/// to be delivered, to another device, but not the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Delivery {
    Pending,
    Sent,
    Failed,
    Delivered,
    Read,
    Played,
}

/// What was told about a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryStep {
    /// WhatsApp's word for it; more may come.
    pub status: String,
    /// In a group, whom it is about.
    pub participant: Option<String>,
    pub occurred_at: DateTime<Utc>,
    /// What WhatsApp sent, as JSON: errors and pricing are in it.
    pub payload: Option<String>,
}

/// What somebody thinks of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaction {
    pub emoji: String,
    /// The customer; nobody for the business.
    pub contact: Option<ContactId>,
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
