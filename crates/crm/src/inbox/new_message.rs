use chrono::{DateTime, Utc};
use kernel::ids::{AccountId, ContactId, ConversationId, MessageId};
use kernel::{Arrival, ContentPart, DeliveryStatus, Direction, Forwarded, Origin};

use crate::Media;

/// A message to store, with its contact and conversation.
#[derive(Clone, Debug)]
pub struct NewMessage {
    pub id: MessageId,
    /// None for one in a group.
    pub conversation: Option<ConversationId>,
    pub contact: ContactId,
    pub account: AccountId,
    pub wamid: String,
    pub direction: Direction,
    pub origin: Origin,
    pub group_id: Option<String>,
    pub kind: String,
    pub text: String,
    pub parts: Vec<ContentPart>,
    pub media: Option<Media>,
    pub reply_to: Option<String>,
    pub forwarded: Option<Forwarded>,
    pub referral: Option<String>,
    pub payload: String,
    pub delivery: Option<DeliveryStatus>,
    pub provider_timestamp: DateTime<Utc>,
    pub arrival: Arrival,
}
