use actix_web::web;
use chrono::{DateTime, Utc};
use crm::{Delivery, Direction, Media, Message, ReplyTo};
use flows::settle;
use kernel::ids::{ConversationId, MessageId};
use kernel::{CrmRead, Grant as _};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::State;
use crate::http::auth::Allow;
use crate::http::cursor::{List, ListKind};
use crate::http::extract::{PageQuery, PathId, Query, page_request};
use crate::http::openapi::tag;
use crate::http::page::PageBody;
use crate::http::problem::{Code, Problem};

/// One message of a conversation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Message)]
pub(crate) struct MessageBody {
    id: Uuid,
    conversation_id: Uuid,
    /// WhatsApp's id of the message.
    #[schema(example = "wamid.HBgLMTU1NTAxMDAwMDEVAgASGBQzQTdC")]
    wamid: String,
    direction: DirectionBody,
    /// WhatsApp's `type`; more may come.
    #[schema(example = "text")]
    kind: String,
    /// What a person reads: body, caption, title of a button, line of a location.
    #[schema(example = "Hello, is my order on its way?")]
    text: String,
    #[schema(required)]
    media: Option<MediaBody>,
    #[schema(required)]
    reply_to: Option<ReplyToBody>,
    /// The ad or post that the message came from, as WhatsApp describes it.
    #[schema(value_type = Option<Object>, required)]
    referral: Option<Box<RawValue>>,
    reactions: Vec<ReactionBody>,
    /// Of outbound messages.
    #[schema(required)]
    delivery_status: Option<DeliveryBody>,
    #[schema(required)]
    edited_at: Option<DateTime<Utc>>,
    #[schema(required)]
    revoked_at: Option<DateTime<Utc>>,
    /// What WhatsApp sent, to the byte.
    #[schema(value_type = Object)]
    payload: Box<RawValue>,
    /// When it was sent; whole seconds.
    provider_timestamp: DateTime<Utc>,
    created_at: DateTime<Utc>,
}

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

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reaction)]
pub(crate) struct ReactionBody {
    #[schema(example = "👍")]
    emoji: String,
    by: String,
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

/// List the messages of a conversation
///
/// Latest first.
#[utoipa::path(
    get,
    path = "/crm/conversations/{id}/messages",
    operation_id = "listMessages",
    tag = tag::CRM,
    security(("bearer" = [CrmRead::PERMISSION])),
    params(("id" = Uuid, Path, description = "The conversation's id"), PageQuery),
    responses((status = 200, description = "A page of messages", body = PageBody<MessageBody>)),
    extensions(("x-problems" = json!([Code::InvalidCursor, Code::NotFound]))),
)]
pub(crate) async fn list(
    allow: Allow<CrmRead>,
    state: web::Data<State>,
    PathId(conversation): PathId<ConversationId>,
    Query(query): Query<PageQuery>,
) -> Result<web::Json<PageBody<MessageBody>>, Problem> {
    let list = List { kind: ListKind::Messages(conversation), tenant: allow.scope().tenant() };
    let page = page_request(&state.cursor_key, list, query.limit, query.cursor.as_deref())?;
    let mut tx = state.identity.database.tenant(allow.scope()).await?;
    let outcome = crm::messages(allow.permit(), &mut *tx, conversation, &page).await;
    let page = settle(tx, outcome).await?.ok_or_else(|| Problem::new(Code::NotFound))?;
    Ok(web::Json(PageBody::of(page, &state.cursor_key, list)))
}

impl From<Message> for MessageBody {
    fn from(message: Message) -> Self {
        Self {
            id: message.id.as_uuid(),
            conversation_id: message.conversation.as_uuid(),
            wamid: message.wamid,
            direction: match message.direction {
                Direction::Inbound => DirectionBody::Inbound,
                Direction::Outbound => DirectionBody::Outbound,
            },
            kind: message.kind,
            text: message.text,
            media: message.media.map(MediaBody::from),
            reply_to: message.reply_to.map(ReplyToBody::from),
            referral: message.referral.as_deref().map(raw),
            reactions: Vec::new(),
            delivery_status: message.delivery.map(DeliveryBody::from),
            edited_at: message.edited_at,
            revoked_at: message.revoked_at,
            payload: raw(&message.payload),
            provider_timestamp: message.provider_timestamp,
            created_at: message.created_at,
        }
    }
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

/// The stored JSON as it is: numbers and repeated keys stay what they were. Should it be no JSON after all, it is shown as
/// a string, for one bad row must not hide a conversation.
fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).or_else(|_| to_raw_value(json)).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_stay_as_they_are() {
        let json = r#"{"n": 1.0e2, "n": 12345678901234567890, "t": "\ud83d\u0000"}"#;
        assert_eq!(raw(json).get(), json);
        assert_eq!(raw("{").get(), r#""{""#);
    }
}
