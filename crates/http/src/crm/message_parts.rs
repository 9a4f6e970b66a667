//! Parts of a message body.

use chrono::{DateTime, Utc};
use crm::{DeliveryStep, Reaction, ReplyTo};
use kernel::ids::{ContactId, MessageId};
use kernel::{ContentPart, ContentPartKind, DeliveryStatus, Direction, Forwarded, Origin};
use media::MediaState;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::closed_set::closed_set;
use crate::media::file_name::harmless;

closed_set!(DirectionBody = Direction, "Direction");

closed_set!(
    /// What the value of a part is; the set is open.
    ContentPartKindBody = ContentPartKind,
    "MessagePartKind"
);

/// A piece of what a structured message says: an answer of a form, a number of a contact card, an item of an order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MessagePart)]
pub(crate) struct ContentPartBody {
    /// What the value is; the name of the field for an answer.
    #[schema(example = "Delivery date")]
    label: String,
    #[schema(example = "2026-12-24")]
    value: String,
    kind: ContentPartKindBody,
}

/// An image, audio, video, sticker or document.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MessageMedia)]
pub(crate) struct MediaBody {
    /// WhatsApp's id of the file; null if it was uploaded here.
    #[schema(required)]
    id: Option<String>,
    /// Of a stored file, what its bytes say; else what WhatsApp says.
    #[schema(required, example = "image/jpeg")]
    mime_type: Option<String>,
    /// As WhatsApp says, mostly base64; of an uploaded file hexadecimal.
    #[schema(required)]
    sha256: Option<String>,
    #[schema(required)]
    caption: Option<String>,
    #[schema(required)]
    filename: Option<String>,
    /// The id for `/crm/media/{id}`; null if the message was received before files were stored.
    #[schema(required)]
    content_id: Option<Uuid>,
    state: MediaStateBody,
    /// Bytes; null until the file is stored.
    #[schema(required, example = 48_213)]
    size: Option<u64>,
}

/// The quoted message; `message_id` is null if it is not stored.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReplyTo)]
pub(crate) struct ReplyToBody {
    wamid: String,
    #[schema(required)]
    message_id: Option<Uuid>,
}

closed_set!(
    /// Where a message came from.
    OriginBody = Origin,
    "MessageOrigin"
);

closed_set!(ForwardedBody = Forwarded, "Forwarded");

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reaction)]
pub(crate) struct ReactionBody {
    #[schema(example = "👍")]
    emoji: String,
    by: ReactorBody,
    /// The contact, if `by` is `contact`.
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

/// A delivery status from WhatsApp.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeliveryStep)]
pub(crate) struct DeliveryStepBody {
    /// WhatsApp's status; the set is open.
    #[schema(example = "delivered")]
    status: String,
    /// In a group, the participant.
    #[schema(required)]
    participant: Option<String>,
    occurred_at: DateTime<Utc>,
    /// Errors, as sent by WhatsApp.
    #[schema(value_type = Option<Vec<Object>>, required)]
    errors: Option<Box<RawValue>>,
    /// Pricing, as sent by WhatsApp.
    #[schema(value_type = Option<Object>, required)]
    pricing: Option<Box<RawValue>>,
}

closed_set!(DeliveryStatusBody = DeliveryStatus, "DeliveryStatus");

impl From<ContentPart> for ContentPartBody {
    fn from(ContentPart { label, value, kind }: ContentPart) -> Self {
        Self { label, value, kind: kind.into() }
    }
}

closed_set!(
    /// Whether the bytes are here: `waiting` to be fetched from WhatsApp, `stored`, `expired` before they were fetched, `refused` because
    /// they are not what was said, or `gone` from WhatsApp.
    MediaStateBody = MediaState,
    "MediaState"
);

/// The caption in the content of a message as it was to be sent.
fn caption_of(content: &str) -> Option<String> {
    let content: serde_json::Value = serde_json::from_str(content).ok()?;
    let kind = content.get("type")?.as_str()?;
    Some(content.get(kind)?.get("caption")?.as_str()?.to_owned())
}

impl MediaBody {
    /// What WhatsApp said of a file, and what is known of it here.
    pub(super) fn of(told: Option<crm::Media>, file: Option<media::Media>, sent: Option<&str>) -> Option<Self> {
        if told.is_none() && file.is_none() {
            return None;
        }
        let told = told.map(|told| (told.id.clone(), told));
        let (id, told) = told.map_or_else(|| (None, crm::Media::default()), |(id, told)| (Some(id), told));
        let stored = file.as_ref().and_then(|file| file.stored);
        // Files that were received before they were stored here, and are older than WhatsApp keeps them, have no row.
        let state = file.as_ref().map_or(MediaState::Expired, |file| file.state);
        let content_id = file.as_ref().map(|file| file.id.as_uuid());
        let (mime_type, filename) = file.map_or((None, None), |file| (file.mime_type, file.filename));
        Some(Self {
            id,
            mime_type: mime_type.or(told.mime_type),
            sha256: told.sha256.or_else(|| stored.map(|stored| stored.sha256.to_string())),
            caption: told.caption.or_else(|| sent.and_then(caption_of)),
            filename: told.filename.or(filename).as_deref().and_then(harmless),
            content_id,
            state: state.into(),
            size: stored.map(|stored| stored.size),
        })
    }
}

impl From<ReplyTo> for ReplyToBody {
    fn from(reply_to: ReplyTo) -> Self {
        Self { wamid: reply_to.wamid, message_id: reply_to.message.map(MessageId::as_uuid) }
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

/// The parts of a status payload that the API exposes.
#[derive(Default, Deserialize)]
struct StatusParts {
    errors: Option<Box<RawValue>>,
    pricing: Option<Box<RawValue>>,
}
