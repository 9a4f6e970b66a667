use std::error::Error;

use actix_web::{HttpRequest, HttpResponse, web};
use crm::MessageParts;
use flows::{
    Destination, MessageRequest, OutboundMessage, SendRequest, StoredResponse, TemplateSource, outbound_message,
};
use kernel::ids::{AccountId, ConversationId, MessageId};
use kernel::{Grant as _, MessagesSend};

use super::message_request::{MessageRequestBody, trace_of};
use super::template_copy::refresh_if_refusing;
use crate::auth::{Allow, free_tenant_slot};
use crate::crm::messages::MessageBody;
use crate::extract::PathId;
use crate::idempotency::{IdempotencyGuard, IdempotencyHeader, IdempotentJson, accepted, replayed_response, response};
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
    let message = MessageRequest { trace: trace_of(&http), ..body.check()? };
    let source = TemplateSource::Conversation(conversation);
    refresh_if_refusing(&state, allow.scope(), source, &message.content).await?;
    store(&state, &http, allow, (Destination::Conversation(conversation), message), guard).await
}

/// Hands a checked request to the intake of sends, and waits for its own outcome. The place of the tenant's request is free meanwhile: it
/// works no more, and the more requests wait, the more are stored together.
pub(super) async fn store(
    state: &State,
    http: &HttpRequest,
    allow: Allow<MessagesSend>,
    (destination, message): (Destination, MessageRequest),
    guard: IdempotencyGuard,
) -> Result<HttpResponse, Problem> {
    free_tenant_slot(http);
    let key = guard.tenant_request(allow.actor());
    let request = SendRequest { permit: allow.permit(), destination, message, key, render };
    let answer = state.send_store.store(request).await?;
    if answer.is_replayed { replayed_response(&answer.response) } else { response(&answer.response) }
}

fn render(message: OutboundMessage) -> Result<StoredResponse, Box<dyn Error + Send + Sync>> {
    Ok(accepted(&MessageBody::from(message))?)
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
