use actix_web::{HttpResponse, web};
use flows::{mark_read, react, show_typing};
use kernel::ids::{ConversationId, MessageId};
use kernel::{CrmWrite, Grant as _, MessagesSend};
use outbound::Emoji;
use serde::Deserialize;
use utoipa::ToSchema;

use super::change_send::NothingBody;
use crate::auth::Allow;
use crate::extract::{Json, PathId};
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;
use crate::validation::Validation;

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = SetReaction)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReactionRequest {
    /// One emoji.
    #[schema(example = "👍", format = "emoji", min_length = 1)]
    emoji: String,
}

/// React to a message
///
/// One reaction of the business for each message: another one replaces it. Reactions have no delivery status.
#[utoipa::path(
    put,
    path = "/crm/messages/{id}/reaction",
    operation_id = "setReaction",
    tag = tags::SENDING,
    security(("bearer" = [MessagesSend::PERMISSION])),
    params(("id" = Uuid, Path, description = "The message's id")),
    request_body = ReactionRequest,
    responses((status = 204, description = "Will be sent")),
    extensions(("x-problems" = json!([
        Code::NotFound, Code::WindowClosed, Code::ChannelNotReady, Code::ConversationReadOnly, Code::NewerConversation
    ]))),
)]
pub(crate) async fn set_reaction(
    allow: Allow<MessagesSend>,
    state: web::Data<State>,
    PathId(message): PathId<MessageId>,
    body: Json<ReactionRequest>,
) -> Result<HttpResponse, Problem> {
    let mut validation = Validation::default();
    let Some(emoji) = validation.field("/emoji", Emoji::parse(&body.emoji)) else {
        return Err(validation.into_problem());
    };
    reaction(allow, &state, message, Some(emoji)).await
}

/// Take a reaction back
#[utoipa::path(
    delete,
    path = "/crm/messages/{id}/reaction",
    operation_id = "removeReaction",
    tag = tags::SENDING,
    security(("bearer" = [MessagesSend::PERMISSION])),
    params(("id" = Uuid, Path, description = "The message's id")),
    responses((status = 204, description = "Will be sent")),
    extensions(("x-problems" = json!([
        Code::NotFound, Code::ValidationFailed, Code::WindowClosed, Code::ChannelNotReady, Code::ConversationReadOnly,
        Code::NewerConversation
    ]))),
)]
pub(crate) async fn remove_reaction(
    allow: Allow<MessagesSend>,
    state: web::Data<State>,
    PathId(message): PathId<MessageId>,
) -> Result<HttpResponse, Problem> {
    reaction(allow, &state, message, None).await
}

async fn reaction(
    allow: Allow<MessagesSend>,
    state: &State,
    message: MessageId,
    emoji: Option<Emoji>,
) -> Result<HttpResponse, Problem> {
    let account =
        state.in_tenant(allow, async |permit, tx| react(permit, tx, message, emoji, &*state.clock).await).await?;
    state.send_bell.ring(account);
    Ok(HttpResponse::NoContent().finish())
}

/// Mark a conversation as read at WhatsApp
///
/// The customer sees that their messages were read, if the account sends read receipts (`send_read_receipts`). The unread count of the
/// conversation is changed by `PATCH`.
#[utoipa::path(
    post,
    path = "/crm/conversations/{id}/read",
    operation_id = "markRead",
    tag = tags::SENDING,
    security(("bearer" = [CrmWrite::PERMISSION])),
    params(("id" = Uuid, Path, description = "The conversation's id")),
    request_body = NothingBody,
    responses((status = 204, description = "Will be sent, if the account sends read receipts")),
    extensions(("x-problems" = json!([Code::NotFound]))),
)]
pub(crate) async fn read(
    allow: Allow<CrmWrite>,
    state: web::Data<State>,
    PathId(conversation): PathId<ConversationId>,
    _: Json<NothingBody>,
) -> Result<HttpResponse, Problem> {
    let account =
        state.in_tenant(allow, async |permit, tx| mark_read(permit, tx, conversation, &*state.clock).await).await?;
    super::send_message::ring(&state, account);
    Ok(HttpResponse::NoContent().finish())
}

/// Show that an answer is being typed
///
/// For 25 seconds or until the answer comes, if the account sends read receipts: WhatsApp marks the customer's messages as read by it.
#[utoipa::path(
    post,
    path = "/crm/conversations/{id}/typing",
    operation_id = "showTyping",
    tag = tags::SENDING,
    security(("bearer" = [MessagesSend::PERMISSION])),
    params(("id" = Uuid, Path, description = "The conversation's id")),
    request_body = NothingBody,
    responses((status = 204, description = "Will be sent, if the account sends read receipts")),
    extensions(("x-problems" = json!([Code::NotFound]))),
)]
pub(crate) async fn typing(
    allow: Allow<MessagesSend>,
    state: web::Data<State>,
    PathId(conversation): PathId<ConversationId>,
    _: Json<NothingBody>,
) -> Result<HttpResponse, Problem> {
    let account =
        state.in_tenant(allow, async |permit, tx| show_typing(permit, tx, conversation, &*state.clock).await).await?;
    super::send_message::ring(&state, account);
    Ok(HttpResponse::NoContent().finish())
}
