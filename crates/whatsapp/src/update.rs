//! What an event tells, in our words.
//!
//! Nothing here knows contacts or conversations: a [`Party`] is who Meta says it is, and a wamid may be one that nobody has
//! seen yet.

use chrono::{DateTime, Utc};

/// What one event tells, if it is something that changes the CRM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Update {
    Message(Box<DecodedMessage>),
    Reaction(Reaction),
    Edit(Edit),
    Revocation(Revocation),
    Status(StatusUpdate),
    /// A person's number or user id is another one now.
    IdentityChange(IdentityChange),
    /// WhatsApp says something about a customer that is no message of theirs.
    SystemMessage(SystemMessage),
    Consent(ConsentUpdate),
    AddressBook(AddressBookUpdate),
    Call(CallUpdate),
    Health(HealthUpdate),
}

/// A person as an event shows them. Any of it may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Party {
    /// Business-scoped user id.
    pub bsuid: Option<String>,
    pub parent_bsuid: Option<String>,
    /// Digits as WhatsApp writes them, the one that the event came from first. More than one only where the person handed
    /// out another number of theirs.
    pub phones: Vec<String>,
    /// The name of their profile.
    pub profile_name: Option<String>,
    /// Without `@`; theirs today, anybody's tomorrow.
    pub username: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// From the customer.
    #[default]
    Inbound,
    /// To the customer.
    Outbound,
}

/// Through which door a message came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// The customer just wrote.
    #[default]
    Live,
    /// The business wrote it in the app on a phone (coexistence).
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

/// A message as WhatsApp describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DecodedMessage {
    pub wamid: String,
    pub direction: Direction,
    pub origin: Origin,
    /// Who wrote, or who was written to.
    pub customer: Party,
    /// Set for a message in a group: that is no conversation with one person.
    pub group_id: Option<String>,
    pub kind: String,
    /// For people; never empty.
    pub text: String,
    pub media: Option<MediaPointer>,
    pub reply_to: Option<String>,
    pub forwarded: Option<Forwarded>,
    /// JSON, as it came.
    pub referral: Option<String>,
    /// JSON, as it came: the message itself.
    pub payload: String,
    /// How far it had come, for outbound messages from before the number was connected.
    pub delivery: Option<DeliveryStep>,
    /// Whole seconds; retries keep it.
    pub timestamp: Option<DateTime<Utc>>,
}

/// Where the file of a message is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MediaPointer {
    pub id: String,
    pub mime_type: Option<String>,
    pub sha256: Option<String>,
    pub caption: Option<String>,
    pub filename: Option<String>,
}

/// Somebody reacts to a message, or takes the reaction back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// The id of the reaction itself.
    pub wamid: String,
    pub target: String,
    /// By the customer, unless it is `Outbound`.
    pub direction: Direction,
    pub customer: Party,
    /// Nothing: taken back.
    pub emoji: Option<String>,
    pub timestamp: Option<DateTime<Utc>>,
}

/// A message says something else now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The id of the edit itself.
    pub wamid: String,
    pub target: String,
    pub direction: Direction,
    pub customer: Party,
    /// The new text or caption.
    pub text: String,
    /// JSON, as it came.
    pub payload: String,
    pub timestamp: Option<DateTime<Utc>>,
}

/// A message was deleted for everyone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// The id of the revocation itself.
    pub wamid: String,
    pub target: String,
    pub direction: Direction,
    pub customer: Party,
    pub timestamp: Option<DateTime<Utc>>,
}

/// A step that an outbound message has made. In any order, and for messages that others have sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeliveryStep {
    Pending,
    Sent,
    Delivered,
    Read,
    /// A voice message was listened to.
    Played,
    Failed,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusUpdate {
    pub target: String,
    /// In lower case, if it is a step; any other word as it came: it is kept, and changes nothing.
    pub status: String,
    /// In a group each participant makes the steps; empty otherwise.
    pub participant: String,
    /// Whom the message was for.
    pub customer: Party,
    /// JSON, as it came: errors and pricing are in it.
    pub payload: String,
    pub timestamp: Option<DateTime<Utc>>,
}

/// What a person was known by before, and is known by now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityChange {
    pub before: Party,
    pub after: Party,
    /// For people.
    pub text: String,
    pub timestamp: Option<DateTime<Utc>>,
}

/// A message of kind `system` that changes no identity, or other news of a customer that is no message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemMessage {
    /// Its own id, if it has one.
    pub wamid: Option<String>,
    pub customer: Party,
    /// For people.
    pub text: String,
    pub timestamp: Option<DateTime<Utc>>,
}

/// The customer wants marketing messages, or no more of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentUpdate {
    pub customer: Party,
    pub granted: bool,
    pub timestamp: Option<DateTime<Utc>>,
}

/// The address book of the phone that the business uses beside Parley.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressBookUpdate {
    pub customer: Party,
    /// As the business wrote it.
    pub name: Option<String>,
    /// Otherwise it was added or changed.
    pub removed: bool,
    pub timestamp: Option<DateTime<Utc>>,
}

/// Something about a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallUpdate {
    pub call_id: String,
    /// What happened: `connect`, `terminate`, ..., or the status of a call that the business made, in lower case.
    pub event: String,
    pub direction: Direction,
    pub customer: Party,
    /// For people.
    pub text: String,
    pub timestamp: Option<DateTime<Utc>>,
}

/// What Meta says about an account or its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthUpdate {
    pub topic: HealthTopic,
    /// Which number of the WhatsApp Business Account, where Meta says it: digits.
    pub display_phone_number: Option<String>,
    /// Meta's id of the number, or of whatever else it is about.
    pub entity_id: Option<String>,
    /// JSON, as it came.
    pub detail: String,
    /// What follows for the connection.
    pub connection: Option<Connection>,
    pub timestamp: Option<DateTime<Utc>>,
}

/// A side of an account's health; the latest word of each counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HealthTopic {
    Account,
    Alerts,
    Review,
    Settings,
    Capability,
    Security,
    Quality,
    Name,
    Username,
    History,
}

/// Whether deliveries still come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    Lost,
    Restored,
}

impl HealthTopic {
    /// The name in the API and the database.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Alerts => "alerts",
            Self::Review => "review",
            Self::Settings => "settings",
            Self::Capability => "capability",
            Self::Security => "security",
            Self::Quality => "quality",
            Self::Name => "name",
            Self::Username => "username",
            Self::History => "history",
        }
    }
}
