//! The contents of an event, decoded.
//!
//! No type here refers to stored data: a [`Party`] has the ids that Meta sent, and the message with a wamid may not be stored.

use chrono::{DateTime, Utc};
use kernel::{ContentPart, DeliveryStatus, Direction, Forwarded, Origin};

/// A change of the CRM that an event describes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Update {
    Message(Box<DecodedMessage>),
    Reaction(Reaction),
    Edit(Edit),
    Revocation(Revocation),
    Status(StatusUpdate),
    /// A person has a new phone number or user id.
    IdentityChange(IdentityChange),
    /// A message of WhatsApp itself about a customer.
    SystemMessage(SystemMessage),
    Consent(ConsentUpdate),
    AddressBook(AddressBookUpdate),
    Call(CallUpdate),
    Health(HealthUpdate),
    /// A message template of the business account.
    Template(TemplateUpdate),
}

/// The ids and names of a person in an event. Any of them may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Party {
    /// Business-scoped user id.
    pub bsuid: Option<String>,
    pub parent_bsuid: Option<String>,
    /// Digits as WhatsApp writes them; the sender's number first. More than one only if the person shared another number of
    /// their own.
    pub phones: Vec<String>,
    /// Their profile name.
    pub profile_name: Option<String>,
    /// Without `@`. It can pass to another person.
    pub username: Option<String>,
}

/// A message as WhatsApp describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DecodedMessage {
    pub wamid: String,
    pub direction: Direction,
    pub origin: Origin,
    /// The sender, or the recipient of an outbound message.
    pub customer: Party,
    /// Set for a message in a group. It belongs to no conversation.
    pub group_id: Option<String>,
    pub kind: String,
    /// Readable text; never empty.
    pub text: String,
    /// The structure of the text; empty for plain words.
    pub parts: Vec<ContentPart>,
    pub media: Option<MediaPointer>,
    pub reply_to: Option<String>,
    pub forwarded: Option<Forwarded>,
    /// JSON, as received.
    pub referral: Option<String>,
    /// The message as JSON, as received.
    pub payload: String,
    /// The delivery status of an outbound message of the history.
    pub delivery: Option<DeliveryStatus>,
    /// In whole seconds; the same in repeated deliveries.
    pub timestamp: Option<DateTime<Utc>>,
}

/// The file of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MediaPointer {
    pub id: String,
    pub mime_type: Option<String>,
    pub sha256: Option<String>,
    pub caption: Option<String>,
    pub filename: Option<String>,
}

/// A reaction to a message, or its removal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// The id of the reaction itself.
    pub wamid: String,
    pub target: String,
    /// `Inbound` if it is by the customer.
    pub direction: Direction,
    pub customer: Party,
    /// `None`: removed.
    pub emoji: Option<String>,
    pub timestamp: Option<DateTime<Utc>>,
}

/// A message was edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The id of the edit itself.
    pub wamid: String,
    pub target: String,
    pub direction: Direction,
    pub customer: Party,
    /// The new text or caption; `None` if the event has neither.
    pub text: Option<String>,
    /// JSON, as received.
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

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusUpdate {
    pub target: String,
    /// A known status in lower case; any other text as received. It is stored, and changes nothing.
    pub status: String,
    /// In a group, the participant that it is about; otherwise empty.
    pub participant: String,
    /// The recipient of the message.
    pub customer: Party,
    /// What its sender gave Meta for it: `biz_opaque_callback_data`.
    pub opaque: Option<String>,
    /// The status as JSON, as received, with errors and pricing.
    pub payload: String,
    pub timestamp: Option<DateTime<Utc>>,
}

/// The ids of a person before and after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityChange {
    pub before: Party,
    pub after: Party,
    /// Readable text.
    pub text: String,
    pub timestamp: Option<DateTime<Utc>>,
}

/// A message of type `system` that changes no ids, or a hand-over of the thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemMessage {
    /// Its id, if it has one.
    pub wamid: Option<String>,
    pub customer: Party,
    /// Readable text.
    pub text: String,
    pub timestamp: Option<DateTime<Utc>>,
}

/// The customer consents to marketing messages, or withdraws the consent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentUpdate {
    pub customer: Party,
    pub granted: bool,
    pub timestamp: Option<DateTime<Utc>>,
}

/// A change in the address book of the phone that the business uses beside Parley.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressBookUpdate {
    pub customer: Party,
    /// The name in the address book.
    pub name: Option<String>,
    /// False if the entry was added or changed.
    pub removed: bool,
    pub timestamp: Option<DateTime<Utc>>,
}

/// An event of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallUpdate {
    pub call_id: String,
    /// `connect`, `terminate`, ..., or the status of an outbound call, in lower case.
    pub event: String,
    pub direction: Direction,
    /// It ended without an answer.
    pub is_missed: bool,
    pub customer: Party,
    /// Readable text.
    pub text: String,
    pub timestamp: Option<DateTime<Utc>>,
}

/// A health update of an account or its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthUpdate {
    pub topic: HealthTopic,
    /// The number of the WhatsApp Business Account that it is about, if named: digits.
    pub display_phone_number: Option<String>,
    /// Meta's id of the number or other entity that it is about.
    pub entity_id: Option<String>,
    /// JSON, as received.
    pub detail: String,
    /// The effect on the connection, if any.
    pub connection: Option<Connection>,
    pub timestamp: Option<DateTime<Utc>>,
}

/// A topic of an account's health. The latest update of each topic counts.
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

/// Whether Meta still sends deliveries.
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

/// What Meta tells of a message template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateUpdate {
    /// Meta's id of the template in one language.
    pub template_id: String,
    pub change: TemplateFact,
    pub timestamp: Option<DateTime<Utc>>,
}

/// What changed, in Meta's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateFact {
    Status {
        /// Such as `APPROVED` or `PAUSED`.
        event: String,
        /// Such as `INVALID_FORMAT`; `None` if Meta gives none.
        reason: Option<String>,
    },
    Quality(String),
    Category(String),
    /// Its components, which the event has in part only.
    Components,
}
