use chrono::{DateTime, TimeDelta, Utc};
use kernel::ids::{AccountId, ContactId, ConversationId, MessageId, SendId};
use kernel::{Actor, ContentPart, DeliveryStatus, MessageCategory, Traceparent};
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};
use uuid::Uuid;

use crate::{ErrorClass, MessageStatus, OnUnknown, Priority, SendKind, SendState, SenderKind};

/// A message may leave for this long unless its sender says otherwise.
pub const SEND_WITHIN: TimeDelta = TimeDelta::hours(24);
/// How far ahead a message can be scheduled.
pub const MAX_SCHEDULE: TimeDelta = TimeDelta::days(90);
/// A person may decide about an unclear message after this time: by then, statuses have arrived.
pub const UNKNOWN_SETTLES_WITHIN: TimeDelta = TimeDelta::minutes(10);
/// When an unclear message is sent once more, if its sender wants that and no status has arrived.
pub const RESEND_AFTER: TimeDelta = TimeDelta::seconds(90);

/// A send to store.
#[derive(Clone, Debug)]
pub struct NewSend {
    pub id: SendId,
    pub kind: SendKind,
    pub account: AccountId,
    pub conversation: ConversationId,
    /// The message that is sent, or that is reacted to or marked as read.
    pub message: MessageId,
    pub reply_to: Option<MessageId>,
    pub priority: Priority,
    pub send_at: Option<DateTime<Utc>>,
    pub send_before: DateTime<Utc>,
    pub on_unknown: OnUnknown,
    pub cancel_if_customer_writes: bool,
    pub is_free_form: bool,
    /// Name and language, `order_update/en`, of a template.
    pub template: Option<String>,
    pub category: Option<MessageCategory>,
    /// The address, for the pace of the pair.
    pub recipient: String,
    /// What was asked for, as the API takes it.
    pub content: String,
    /// The JSON for Meta, without `biz_opaque_callback_data`.
    pub body: String,
    pub client_ref: Option<String>,
    pub sender: Sender,
    pub trace: Option<Traceparent>,
}

impl NewSend {
    /// The send as it is stored at first.
    #[must_use]
    pub fn stored(self, reply_to_wamid: Option<String>) -> StoredSend {
        StoredSend {
            id: self.id,
            kind: self.kind,
            account: self.account,
            conversation: self.conversation,
            message: self.message,
            state: SendState::Queued,
            send_at: self.send_at,
            send_before: self.send_before,
            on_unknown: self.on_unknown,
            reply_to_wamid,
            client_ref: self.client_ref,
            sender: self.sender,
            content: self.content,
            attempts: 0,
            ended_at: None,
            may_have_been_sent: false,
            error: None,
            dismissed_at: None,
            delivery: None,
            is_paused: false,
        }
    }
}

/// The message of a [`NewSend`], as conversations show it.
#[derive(Clone, Debug)]
pub struct NewOutboundMessage {
    pub id: MessageId,
    pub contact: ContactId,
    /// WhatsApp's `type`.
    pub kind: String,
    pub text: String,
    pub parts: Vec<ContentPart>,
    /// What the message quotes.
    pub reply_to_wamid: Option<String>,
}

/// Who wanted it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sender {
    pub kind: SenderKind,
    /// Of the user or the API key.
    pub id: Option<Uuid>,
}

impl Sender {
    /// How its sends take turns with those of others.
    #[must_use]
    pub const fn priority(&self) -> Priority {
        match self.kind {
            SenderKind::User => Priority::Person,
            SenderKind::ApiKey | SenderKind::Automation => Priority::Program,
        }
    }
}

impl From<Actor> for Sender {
    fn from(actor: Actor) -> Self {
        match actor {
            Actor::User(user) => Self { kind: SenderKind::User, id: Some(user.as_uuid()) },
            Actor::ApiKey(key) => Self { kind: SenderKind::ApiKey, id: Some(key.as_uuid()) },
        }
    }
}

/// A send as it is stored.
#[derive(Clone, Debug)]
pub struct StoredSend {
    pub id: SendId,
    pub kind: SendKind,
    pub account: AccountId,
    pub conversation: ConversationId,
    pub message: MessageId,
    pub state: SendState,
    pub send_at: Option<DateTime<Utc>>,
    pub send_before: DateTime<Utc>,
    pub on_unknown: OnUnknown,
    /// WhatsApp's id of the quoted message.
    pub reply_to_wamid: Option<String>,
    pub client_ref: Option<String>,
    pub sender: Sender,
    pub content: String,
    pub attempts: i32,
    /// When it got its final or unclear state.
    pub ended_at: Option<DateTime<Utc>>,
    /// An attempt was unclear, and none is known to be accepted: the customer may have it.
    pub may_have_been_sent: bool,
    pub error: Option<SendError>,
    pub dismissed_at: Option<DateTime<Utc>>,
    /// What Meta's webhooks say of the message.
    pub delivery: Option<DeliveryStatus>,
    /// A pause of its number, template or customer holds it.
    pub is_paused: bool,
}

/// Why a message was not sent, or may not have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendError {
    /// Meta's code; `None` if Meta has said nothing.
    pub code: Option<i64>,
    /// Of a small set of values, see the handbook.
    pub class: String,
    pub title: String,
    /// What to do about it.
    pub advice: String,
}

/// Why Parley, not Meta, ended a send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Reason {
    TooLate,
    WindowClosed,
    TemplateNotUsable,
    OptedOut,
    Disconnected,
    CustomerWrote,
    CanceledByUser,
    /// Meta was called, and it is unclear whether it took the message.
    Unclear,
    /// Meta does not take a file of the message.
    FileRefused,
}

impl Reason {
    /// The class in the API.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::TooLate => "expired",
            Self::WindowClosed => "window_closed",
            Self::TemplateNotUsable => ErrorClass::TemplateStopped.into_str(),
            Self::OptedOut => "opted_out",
            Self::Disconnected | Self::CustomerWrote | Self::CanceledByUser => "canceled",
            Self::Unclear => "unclear",
            Self::FileRefused => "media",
        }
    }

    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::TooLate => "The message did not leave in time",
            Self::WindowClosed => "The 24 hours for free answers are over",
            Self::TemplateNotUsable => "Meta no longer allows the template",
            Self::OptedOut => "The customer takes no marketing messages",
            Self::Disconnected => "The number is no longer connected",
            Self::CustomerWrote => "The customer wrote first",
            Self::CanceledByUser => "Canceled before it left",
            Self::Unclear => "It is unclear whether the message was sent",
            Self::FileRefused => "WhatsApp does not take the file",
        }
    }

    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::TooLate => "Send it again if it still matters.",
            Self::WindowClosed => "Send a template, or wait until the customer writes.",
            Self::TemplateNotUsable => "Send another template.",
            Self::OptedOut => "Send nothing but service messages to this customer.",
            Self::Disconnected => "Connect the number, or send from another one.",
            Self::CustomerWrote => "Read what the customer wrote, then answer.",
            Self::CanceledByUser => "Nothing is left to do.",
            Self::FileRefused => "Check its type and size, and send it again in another format.",
            Self::Unclear => {
                "Wait for a status: most arrive within seconds. After ten minutes, send it again or dismiss it; \
                 sent again, the customer may get it twice."
            }
        }
    }

    #[must_use]
    pub fn error(self) -> SendError {
        SendError {
            code: None,
            class: self.class().to_owned(),
            title: self.title().to_owned(),
            advice: self.advice().to_owned(),
        }
    }
}

impl StoredSend {
    #[must_use]
    pub const fn status(&self) -> MessageStatus {
        MessageStatus::of(self.state, self.delivery, self.is_paused)
    }

    /// Whether it waits for its time or its turn and has never left.
    #[must_use]
    pub const fn has_not_left(&self) -> bool {
        matches!(self.state, SendState::Queued) && self.attempts == 0
    }

    /// Whether a person may have it sent again: it surely failed, or it is unclear and statuses have had their time.
    #[must_use]
    pub fn can_be_resent(&self, now: DateTime<Utc>) -> bool {
        match self.status() {
            MessageStatus::Failed | MessageStatus::Expired | MessageStatus::Canceled => self.dismissed_at.is_none(),
            MessageStatus::Unknown => self.dismissed_at.is_none() && self.has_waited_for_status(now),
            _ => false,
        }
    }

    /// Whether a person may say that nothing is left to do about it.
    #[must_use]
    pub fn can_be_dismissed(&self, now: DateTime<Utc>) -> bool {
        self.can_be_resent(now)
    }

    fn has_waited_for_status(&self, now: DateTime<Utc>) -> bool {
        self.ended_at.is_none_or(|ended| ended + UNKNOWN_SETTLES_WITHIN <= now)
    }
}

/// A call to Meta.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// From 1.
    pub number: i32,
    pub started_at: DateTime<Utc>,
    /// `None` while it runs, and for good if the sender died meanwhile.
    pub ended_at: Option<DateTime<Utc>>,
    pub outcome: Option<AttemptOutcome>,
    pub http_status: Option<i32>,
    pub code: Option<i64>,
    pub title: Option<String>,
    /// For Meta's support.
    pub trace_id: Option<String>,
}

/// What a call to Meta showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum AttemptOutcome {
    Accepted,
    Refused,
    NotSent,
    Unclear,
}
