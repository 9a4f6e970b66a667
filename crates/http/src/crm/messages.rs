use actix_web::web;
use chrono::{DateTime, Utc};
use crm::{Message, Titled};
use kernel::ids::{ContactId, ConversationId};
use kernel::{CrmRead, Grant as _};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use super::message_parts::{
    ContentPartBody, DeliveryStatusBody, DeliveryStepBody, DirectionBody, ForwardedBody, MediaBody, OriginBody,
    ReactionBody, ReplyToBody,
};
use super::message_query::{ContactMessageQuery, MessageQuery};
use crate::auth::Allow;
use crate::cursor::ListKind;
use crate::extract::{Listing, PageQuery, PathId};
use crate::page::PageBody;
use crate::problem::{Code, Problem};
use crate::raw_json::raw_json;
use crate::state::State;
use crate::tags;

/// A message of a conversation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Message)]
pub(crate) struct MessageBody {
    id: Uuid,
    conversation_id: Uuid,
    /// Who the contact is: the name, else the WhatsApp user name, else the number as people write it, else `Unknown`.
    #[schema(example = "Grace Hopper")]
    title: String,
    /// WhatsApp's id of the message; null until Meta has named one that Parley sends.
    #[schema(example = "wamid.HBgLMTU1NTAxMDAwMDEVAgASGBQzQTdC", required)]
    wamid: Option<String>,
    direction: DirectionBody,
    origin: OriginBody,
    /// WhatsApp's `type`; the set is open.
    #[schema(example = "text")]
    kind: String,
    /// Readable text: body, caption, button title, location; the answers of a form, the items of an order, the numbers of a
    /// contact card and what an ad says, a line each. `Message deleted` if the message was revoked.
    #[schema(example = "Hello, is my order on its way?")]
    text: String,
    /// The structure of what the message says; empty for plain words, and if the message was revoked.
    parts: Vec<ContentPartBody>,
    /// Null also if the message was revoked.
    #[schema(required)]
    media: Option<MediaBody>,
    #[schema(required)]
    reply_to: Option<ReplyToBody>,
    /// Whether it was forwarded, and how often.
    #[schema(required)]
    forwarded: Option<ForwardedBody>,
    /// The ad or post that led to the message, as sent by WhatsApp; null also if the message was revoked.
    #[schema(value_type = Option<Object>, required)]
    referral: Option<Box<RawValue>>,
    /// The latest reaction of each participant.
    reactions: Vec<ReactionBody>,
    /// For outbound messages: the furthest status so far.
    #[schema(required)]
    delivery_status: Option<DeliveryStatusBody>,
    /// All delivery statuses, ordered by time.
    delivery_steps: Vec<DeliveryStepBody>,
    #[schema(required)]
    edited_at: Option<DateTime<Utc>>,
    /// When the message was deleted for everyone. Nothing shows its content from then on.
    #[schema(required)]
    revoked_at: Option<DateTime<Utc>>,
    /// With `include=payload`: the message as sent by WhatsApp, byte for byte; `{}` if it was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object, required = false)]
    payload: Option<Box<RawValue>>,
    /// WhatsApp's timestamp, in whole seconds.
    provider_timestamp: DateTime<Utc>,
    created_at: DateTime<Utc>,
}

/// List the messages of a conversation
///
/// Newest first. A page has about 1 MiB at most, so it may have fewer messages than `limit` although there are more.
#[utoipa::path(
    get,
    path = "/crm/conversations/{id}/messages",
    operation_id = "listMessages",
    tag = tags::CRM,
    security(("bearer" = [CrmRead::PERMISSION])),
    params(("id" = Uuid, Path, description = "The conversation's id"), MessageQuery, PageQuery),
    responses((status = 200, description = "A page of messages", body = PageBody<MessageBody>)),
    extensions(("x-problems" = json!([Code::InvalidCursor, Code::NotFound]))),
)]
pub(crate) async fn list(
    allow: Allow<CrmRead>,
    state: web::Data<State>,
    PathId(conversation): PathId<ConversationId>,
    listing: Listing<MessageQuery>,
) -> Result<web::Json<PageBody<MessageBody>>, Problem> {
    let parts = listing.filter.into();
    state
        .list(allow, ListKind::Messages(conversation), &listing.page, async |permit, tx, page| {
            crm::messages(permit, tx, conversation, page, parts).await?.ok_or_else(Problem::not_found)
        })
        .await
}

/// List the messages of a contact
///
/// In all of their conversations, newest first; with `account`, those with one number. Messages in groups are not among them.
#[utoipa::path(
    get,
    path = "/crm/contacts/{id}/messages",
    operation_id = "listContactMessages",
    tag = tags::CRM,
    security(("bearer" = [CrmRead::PERMISSION])),
    params(("id" = Uuid, Path, description = "The contact's id"), ContactMessageQuery, PageQuery),
    responses((status = 200, description = "A page of messages", body = PageBody<MessageBody>)),
    extensions(("x-problems" = json!([Code::InvalidCursor, Code::NotFound]))),
)]
pub(crate) async fn list_of_contact(
    allow: Allow<CrmRead>,
    state: web::Data<State>,
    PathId(contact): PathId<ContactId>,
    listing: Listing<ContactMessageQuery>,
) -> Result<web::Json<PageBody<MessageBody>>, Problem> {
    let account = listing.filter.account();
    let parts = listing.filter.into();
    state
        .list(allow, ListKind::ContactMessages(contact), &listing.page, async |permit, tx, page| {
            let found = crm::messages_of_contact(permit, tx, (contact, account), page, parts).await?;
            found.ok_or_else(Problem::not_found)
        })
        .await
}

impl From<Titled<Message>> for MessageBody {
    fn from(Titled { row: message, contact_title }: Titled<Message>) -> Self {
        Self {
            id: message.id.as_uuid(),
            conversation_id: message.conversation.as_uuid(),
            title: contact_title,
            wamid: message.wamid,
            direction: message.direction.into(),
            origin: message.origin.into(),
            kind: message.kind,
            text: message.text,
            parts: message.parts.into_iter().map(ContentPartBody::from).collect(),
            media: message.media.map(MediaBody::from),
            reply_to: message.reply_to.map(ReplyToBody::from),
            forwarded: message.forwarded.map(ForwardedBody::from),
            referral: message.referral.as_deref().map(raw_json),
            reactions: message.reactions.into_iter().map(ReactionBody::from).collect(),
            delivery_status: message.delivery.map(DeliveryStatusBody::from),
            delivery_steps: message.delivery_steps.into_iter().map(DeliveryStepBody::from).collect(),
            edited_at: message.edited_at,
            revoked_at: message.revoked_at,
            payload: message.payload.as_deref().map(raw_json),
            provider_timestamp: message.provider_timestamp,
            created_at: message.created_at,
        }
    }
}
