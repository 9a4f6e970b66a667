use chrono::{DateTime, Utc};
use kernel::ids::AccountId;

use crate::identity::{IdentityChange, Person};
use crate::{Delivery, Direction, Forwarded, InteractionKind, Media, Origin};

/// What a group of events brings to one tenant.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    pub messages: Vec<IncomingMessage>,
    pub updates: Vec<MessageUpdate>,
    pub changes: Vec<IdentityChange>,
    pub activities: Vec<Activity>,
    /// People who are named beside something that makes nobody a contact, such as a status: whoever is known by one of
    /// their keys is known by the others, too.
    pub sightings: Vec<Person>,
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

/// What a message is known by: WhatsApp's id, at the account that it went through.
pub type MessageKey = (AccountId, String);

/// A message as it was told, before it has a contact or a conversation.
#[derive(Clone, Debug)]
pub struct IncomingMessage {
    pub account: AccountId,
    pub wamid: String,
    pub direction: Direction,
    pub origin: Origin,
    /// Who wrote, or who was written to.
    pub customer: Person,
    /// A message in a group is in no conversation with one person.
    pub group_id: Option<String>,
    pub kind: String,
    pub text: String,
    pub media: Option<Media>,
    pub reply_to: Option<String>,
    pub forwarded: Option<Forwarded>,
    pub referral: Option<String>,
    pub payload: String,
    /// How far it had come when it was told; for outbound messages.
    pub delivery: Option<Delivery>,
    pub provider_timestamp: DateTime<Utc>,
}

impl IncomingMessage {
    pub(super) fn key(&self) -> MessageKey {
        (self.account, self.wamid.clone())
    }

    /// It stands for a message whose content was not told, and may be told later.
    pub(super) fn is_placeholder(&self) -> bool {
        is_placeholder(&self.kind)
    }
}

/// Kinds that stand for a message whose content was not told.
pub(super) fn is_placeholder(kind: &str) -> bool {
    matches!(kind, "media_placeholder" | "unsupported" | "unknown")
}

/// Something that happened to a message, which may be one that nobody has seen yet.
#[derive(Clone, Debug)]
pub struct MessageUpdate {
    pub message: MessageKey,
    pub effect: UpdateEffect,
    /// The customer, if it was they or if it was done to them; whoever a status is about is told by its message.
    pub customer: Option<Person>,
    /// Who did it, other than WhatsApp.
    pub direction: Direction,
    pub payload: Option<String>,
    pub occurred_at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpdateEffect {
    /// A step of the delivery, to one participant if it is in a group.
    Status {
        status: String,
        participant: String,
    },
    /// Without an emoji the reaction was taken back. `wamid` is the reaction's own.
    Reaction {
        wamid: String,
        emoji: Option<String>,
    },
    Edit {
        wamid: String,
        text: String,
    },
    Revocation {
        wamid: String,
    },
}

/// Something that happened with a customer and is no message.
#[derive(Clone, Debug)]
pub struct Activity {
    pub customer: Person,
    pub kind: InteractionKind,
    pub text: String,
    /// The same for every telling of the same thing.
    pub source: String,
    pub effect: ActivityEffect,
    pub occurred_at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActivityEffect {
    None,
    /// The last word on marketing messages counts.
    Consent {
        granted: bool,
    },
    /// What the business calls them in its address book.
    Name(String),
    /// They called: the business may answer freely for a while.
    ServiceWindow(AccountId),
}
