//! What a message consists of.

use chrono::{DateTime, Utc};
use crm::{Delivery, DeliveryStep, Direction, Forwarded, Media, Origin, Reaction, ReplyTo};
use kernel::ids::{ContactId, MessageId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Direction)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DirectionBody {
    /// From the customer.
    Inbound,
    /// To the customer.
    Outbound,
}

/// A picture, recording or file.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Media)]
pub(crate) struct MediaBody {
    id: String,
    #[schema(required, example = "image/jpeg")]
    mime_type: Option<String>,
    /// Base64.
    #[schema(required)]
    sha256: Option<String>,
    #[schema(required)]
    caption: Option<String>,
    #[schema(required)]
    filename: Option<String>,
}

/// The quoted message; one that is not stored here has no `message_id`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReplyTo)]
pub(crate) struct ReplyToBody {
    wamid: String,
    #[schema(required)]
    message_id: Option<Uuid>,
}

/// Through which door a message came.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MessageOrigin)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OriginBody {
    /// The customer just wrote.
    Live,
    /// The business wrote it in the app on a phone.
    NativeApp,
    /// From before the number was connected.
    History,
    /// Somebody else holds the thread, such as Meta's own agent.
    Standby,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Forwarded)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ForwardedBody {
    Once,
    /// More than five times.
    Frequently,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reaction)]
pub(crate) struct ReactionBody {
    #[schema(example = "👍")]
    emoji: String,
    by: ReactorBody,
    /// Who, if it was a customer.
    #[schema(required)]
    contact_id: Option<Uuid>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reactor)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReactorBody {
    Contact,
    Business,
}

/// What WhatsApp told about a delivery.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeliveryStep)]
pub(crate) struct DeliveryStepBody {
    /// WhatsApp's word; more may come.
    #[schema(example = "delivered")]
    status: String,
    /// In a group, whom it is about.
    #[schema(required)]
    participant: Option<String>,
    occurred_at: DateTime<Utc>,
    /// Why it failed, as WhatsApp describes it.
    #[schema(value_type = Option<Vec<Object>>, required)]
    errors: Option<Box<RawValue>>,
    /// What it costs, as WhatsApp describes it.
    #[schema(value_type = Option<Object>, required)]
    pricing: Option<Box<RawValue>>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeliveryStatus)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DeliveryBody {
    Pending,
    Sent,
    Delivered,
    Read,
    Played,
    Failed,
}

impl From<Media> for MediaBody {
    fn from(media: Media) -> Self {
        Self {
            id: media.id,
            mime_type: media.mime_type,
            sha256: media.sha256,
            caption: media.caption,
            filename: media.filename,
        }
    }
}

impl From<ReplyTo> for ReplyToBody {
    fn from(reply_to: ReplyTo) -> Self {
        Self { wamid: reply_to.wamid, message_id: reply_to.message.map(MessageId::as_uuid) }
    }
}

impl From<Direction> for DirectionBody {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::Inbound => Self::Inbound,
            Direction::Outbound => Self::Outbound,
        }
    }
}

impl From<Origin> for OriginBody {
    fn from(origin: Origin) -> Self {
        match origin {
            Origin::Live => Self::Live,
            Origin::NativeApp => Self::NativeApp,
            Origin::History => Self::History,
            Origin::Standby => Self::Standby,
        }
    }
}

impl From<Forwarded> for ForwardedBody {
    fn from(forwarded: Forwarded) -> Self {
        match forwarded {
            Forwarded::Once => Self::Once,
            Forwarded::Frequently => Self::Frequently,
        }
    }
}

impl From<Reaction> for ReactionBody {
    fn from(reaction: Reaction) -> Self {
        let by = if reaction.contact.is_some() { ReactorBody::Contact } else { ReactorBody::Business };
        Self { emoji: reaction.emoji, by, contact_id: reaction.contact.map(ContactId::as_uuid) }
    }
}

impl From<DeliveryStep> for DeliveryStepBody {
    fn from(step: DeliveryStep) -> Self {
        let parts: StatusParts = step.payload.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
        Self {
            status: step.status,
            participant: step.participant,
            occurred_at: step.occurred_at,
            errors: parts.errors,
            pricing: parts.pricing,
        }
    }
}

/// What of a status is shown.
#[derive(Default, Deserialize)]
struct StatusParts {
    errors: Option<Box<RawValue>>,
    pricing: Option<Box<RawValue>>,
}

impl From<Delivery> for DeliveryBody {
    fn from(delivery: Delivery) -> Self {
        match delivery {
            Delivery::Pending => Self::Pending,
            Delivery::Sent => Self::Sent,
            Delivery::Delivered => Self::Delivered,
            Delivery::Read => Self::Read,
            Delivery::Played => Self::Played,
            Delivery::Failed => Self::Failed,
        }
    }
}
