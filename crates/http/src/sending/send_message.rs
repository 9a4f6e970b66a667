use actix_web::{HttpRequest, HttpResponse, web};
use crm::MessageParts;
use flows::{MessageRequest, OutboundMessage, SendMessageError, TemplateSource, outbound_message, send_message};
use kernel::ids::{AccountId, ConversationId, MessageId};
use kernel::{Grant as _, MessagesSend};

use super::message_request::{MessageRequestBody, trace_of};
use super::template_copy::refresh_if_refusing;
use crate::auth::Allow;
use crate::crm::messages::MessageBody;
use crate::extract::PathId;
use crate::idempotency::{IdempotencyHeader, IdempotentJson};
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;

/// Send a message
///
/// Stores the message, and sends it as soon as its turn comes, or at `send_at`. The answer shows it as it is now; its `status`
/// tells later what became of it. Within 24 hours of the customer's last message anything can be sent, afterwards a template only. A
/// closed conversation is opened again. A program must send `Idempotency-Key`.
#[utoipa::path(
    post,
    path = "/crm/conversations/{id}/messages",
    operation_id = "sendMessage",
    tag = tags::SENDING,
    security(("bearer" = [MessagesSend::PERMISSION])),
    params(("id" = Uuid, Path, description = "The conversation's id"), IdempotencyHeader),
    request_body(
        content = MessageRequestBody,
        example = json!({ "type": "text", "text": { "body": "Your order is on its way." } }),
    ),
    responses((status = 202, description = "Will be sent", body = MessageBody)),
    extensions(("x-problems" = json!([
        Code::NotFound, Code::WindowClosed, Code::OptedOut, Code::ChannelNotReady, Code::TemplateNotUsable,
        Code::ConversationReadOnly, Code::IdempotencyKeyRequired, Code::NewerConversation
    ]))),
)]
pub(crate) async fn send(
    allow: Allow<MessagesSend>,
    state: web::Data<State>,
    PathId(conversation): PathId<ConversationId>,
    http: HttpRequest,
    body: IdempotentJson<MessageRequestBody>,
) -> Result<HttpResponse, Problem> {
    let (body, guard) = body.into_parts();
    guard.require_for_programs(&allow)?;
    let request = MessageRequest { trace: trace_of(&http), ..body.check()? };
    let source = TemplateSource::Conversation(conversation);
    refresh_if_refusing(&state, allow.scope(), source, &request.content).await?;
    let mut account = None;
    let response = guard
        .accept(&state, allow, async |permit, tx| {
            let sent = send_message(permit, tx, conversation, request, &*state.clock).await?;
            account = sent.send.as_ref().map(|send| send.account);
            Ok::<MessageBody, SendMessageError>(sent.into())
        })
        .await?;
    ring(&state, account);
    Ok(response)
}

/// A changed message as it is stored; notes its account, whose sender is to be woken after the commit.
pub(super) async fn stored(
    tx: &mut dyn flows::TenantTx,
    message: MessageId,
    state: &State,
    account: &mut Option<AccountId>,
) -> Result<MessageBody, Problem> {
    let parts = MessageParts::default();
    let found = outbound_message(tx, message, parts, &*state.clock).await?.ok_or_else(Problem::not_found)?;
    *account = found.send.as_ref().map(|send| send.account);
    Ok(OutboundMessage::into(found))
}

pub(super) fn ring(state: &State, account: Option<AccountId>) {
    if let Some(account) = account {
        state.send_bell.ring(account);
    }
}
