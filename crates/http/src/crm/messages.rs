use actix_web::web;
use chrono::{DateTime, Utc};
use crm::{Message, Titled};
use flows::{OutboundMessage, send_error, with_sends};
use kernel::ids::{ContactId, ConversationId};
use kernel::{CrmRead, Direction, Grant as _, Origin};
use outbound::{MessageStatus, SendState, StoredSend};
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
use crate::sending::send_status::{MessageSenderKind, MessageStatusBody, SendErrorBody, SenderBody};
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
    /// Of outbound messages: what became of it. `delivery_status` says only what WhatsApp has reported.
    #[schema(required)]
    status: Option<MessageStatusBody>,
    /// It is unclear whether it was sent, or it failed although it may have been.
    may_have_been_sent: bool,
    /// Why it was not sent, or may not have been.
    #[schema(required)]
    error: Option<SendErrorBody>,
    /// When it is to leave, if it was to be sent later.
    #[schema(required)]
    send_at: Option<DateTime<Utc>>,
    /// The reference of the program that sent it.
    #[schema(required)]
    client_ref: Option<String>,
    /// Of outbound messages: who sent it.
    #[schema(required)]
    sender: Option<SenderBody>,
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
            let found = crm::messages(permit, tx, conversation, page, parts).await?.ok_or_else(Problem::not_found)?;
            with_sends(tx, found, &*state.clock).await.map_err(Problem::from)
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
            with_sends(tx, found.ok_or_else(Problem::not_found)?, &*state.clock).await.map_err(Problem::from)
        })
        .await
}

/// The status of a message that Parley did not send, from what WhatsApp has reported.
fn reported_status(message: &Message) -> Option<MessageStatus> {
    (message.direction == Direction::Outbound).then(|| MessageStatus::of(SendState::Accepted, message.delivery, false))
}

fn sender(message: &Message, send: Option<&StoredSend>) -> Option<SenderBody> {
    match (send, message.direction, message.origin) {
        (Some(send), ..) => Some(SenderBody::of(send)),
        (None, Direction::Inbound, _) => None,
        (None, Direction::Outbound, Origin::NativeApp) => Some(SenderBody::without_id(MessageSenderKind::Phone)),
        (None, Direction::Outbound, _) => Some(SenderBody::without_id(MessageSenderKind::Other)),
    }
}

impl From<OutboundMessage> for MessageBody {
    fn from(OutboundMessage { message: Titled { row: message, contact_title }, send, file }: OutboundMessage) -> Self {
        let status = send.as_ref().map(StoredSend::status).or_else(|| reported_status(&message));
        let error = send.as_ref().and_then(|send| send_error(send, &message.delivery_steps));
        Self {
            status: status.map(MessageStatusBody::from),
            may_have_been_sent: send.as_ref().is_some_and(|send| send.may_have_been_sent),
            error: error.map(SendErrorBody::from),
            send_at: send.as_ref().and_then(|send| send.send_at),
            client_ref: send.as_ref().and_then(|send| send.client_ref.clone()),
            sender: sender(&message, send.as_ref()),
            id: message.id.as_uuid(),
            conversation_id: message.conversation.as_uuid(),
            title: contact_title,
            wamid: message.wamid,
            direction: message.direction.into(),
            origin: message.origin.into(),
            kind: message.kind,
            text: message.text,
            parts: message.parts.into_iter().map(ContentPartBody::from).collect(),
            media: MediaBody::of(message.media, file, send.as_ref().map(|send| send.content.as_str())),
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
