use chrono::{DateTime, Utc};
use kernel::ids::{AccountId, SendId};
use kernel::{Arrival, ContentPart, DeliveryStatus, Direction, Forwarded, Origin};

use super::keys::MessageKey;
use crate::identity::{IdentityChange, Person};
use crate::{InteractionKind, Media};

/// What the events of one tenant contain.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    pub messages: Vec<IncomingMessage>,
    pub updates: Vec<MessageUpdate>,
    pub changes: Vec<IdentityChange>,
    pub activities: Vec<Activity>,
    /// People described by events that create no contact, such as a status: all keys of one person belong to one contact.
    pub sightings: Vec<Person>,
    /// Statuses that name messages which Parley sent.
    pub proofs: Vec<SentProof>,
}

/// A status that proves that Meta accepted what Parley sent, and says how Meta calls the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentProof {
    pub send: SendId,
    /// Counts the attempts of the send.
    pub attempt: i32,
    pub message: MessageKey,
    /// It reports that the delivery failed.
    pub is_failure: bool,
}

impl Batch {
    pub(super) const fn is_empty(&self) -> bool {
        self.messages.is_empty()
            && self.updates.is_empty()
            && self.changes.is_empty()
            && self.activities.is_empty()
            && self.sightings.is_empty()
    }
}

/// A message as decoded, before its contact and conversation are known.
#[derive(Clone, Debug)]
pub struct IncomingMessage {
    pub account: AccountId,
    pub wamid: String,
    pub direction: Direction,
    pub origin: Origin,
    /// The sender of an inbound message, the recipient of an outbound one.
    pub customer: Person,
    /// A message in a group belongs to no conversation.
    pub group_id: Option<String>,
    pub kind: String,
    pub text: String,
    pub parts: Vec<ContentPart>,
    pub media: Option<Media>,
    pub reply_to: Option<String>,
    pub forwarded: Option<Forwarded>,
    pub referral: Option<String>,
    pub payload: String,
    /// Of outbound messages: the status known at the time of the event.
    pub delivery: Option<DeliveryStatus>,
    pub provider_timestamp: DateTime<Utc>,
    pub arrival: Arrival,
}

impl IncomingMessage {
    pub(super) fn key(&self) -> MessageKey {
        (self.account, self.wamid.clone())
    }
}

/// Whether a kind stands for a message whose content is missing.
pub(super) fn is_placeholder(kind: &str) -> bool {
    matches!(kind, "media_placeholder" | "unsupported" | "unknown")
}

/// An update of a message, which may not be stored yet.
#[derive(Clone, Debug)]
pub struct MessageUpdate {
    pub message: MessageKey,
    pub effect: UpdateEffect,
    /// The customer; `None` for a status, as its message identifies the customer.
    pub customer: Option<Person>,
    /// Whom a status is about. A status creates no contact, but nothing of a person who was erased may be stored with it.
    pub recipient: Option<Person>,
    /// From the customer or from the business.
    pub direction: Direction,
    pub payload: Option<String>,
    pub occurred_at: DateTime<Utc>,
    pub arrival: Arrival,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpdateEffect {
    /// A delivery status; of one participant if the message is in a group.
    Status {
        status: String,
        participant: String,
    },
    /// Without an emoji the reaction was removed. `wamid` is the id of the reaction itself.
    Reaction {
        wamid: String,
        emoji: Option<String>,
    },
    /// Without a text the message keeps its own.
    Edit {
        wamid: String,
        text: Option<String>,
    },
    Revocation {
        wamid: String,
    },
}

impl MessageUpdate {
    /// Whom the update names.
    pub(super) fn person(&self) -> Option<&Person> {
        self.customer.as_ref().or(self.recipient.as_ref())
    }
}

impl UpdateEffect {
    /// The kind and key that identify an update of a message: of two updates with the same, the one that arrived first is kept.
    #[must_use]
    pub fn key(&self) -> (&'static str, String) {
        match self {
            Self::Status { status, participant } => ("status", format!("{status}:{participant}")),
            Self::Reaction { wamid, .. } => ("reaction", wamid.clone()),
            Self::Edit { wamid, .. } => ("edit", wamid.clone()),
            Self::Revocation { wamid } => ("revocation", wamid.clone()),
        }
    }
}

/// An event of a customer other than a message or an update of one.
#[derive(Clone, Debug)]
pub struct Activity {
    pub customer: Person,
    pub kind: InteractionKind,
    pub text: String,
    /// Equal for each delivery of the same activity.
    pub source: String,
    pub effect: ActivityEffect,
    pub occurred_at: DateTime<Utc>,
    pub arrival: Arrival,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActivityEffect {
    None,
    /// Sets the marketing consent; the latest counts.
    Consent {
        granted: bool,
    },
    /// Sets the contact's name from the address book of the business's phone.
    Name(String),
    /// Opens the service window, as the customer called this account.
    ServiceWindow(AccountId),
    /// Opens the service window, and makes the conversation with the customer unread, as the call was missed.
    MissedCall(AccountId),
}
