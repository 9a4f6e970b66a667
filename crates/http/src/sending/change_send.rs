use actix_web::web;
use flows::{
    attempts, cancel_message, change_message, dismiss_message, outbound_message, resend_message, send_to_change,
};
use kernel::ids::MessageId;
use kernel::{CrmRead, Grant as _, MessagesSend};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::message_request::MessageRequestBody;
use super::send_message::{ring, stored};
use super::send_status::AttemptBody;
use crate::auth::Allow;
use crate::crm::message_query::MessageQuery;
use crate::crm::messages::MessageBody;
use crate::extract::{Json, PathId, Query};
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;

/// The calls that were made to send a message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Attempts)]
pub(crate) struct AttemptsBody {
    /// Oldest first.
    data: Vec<AttemptBody>,
}

/// No members.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Nothing)]
#[serde(deny_unknown_fields)]
pub(crate) struct NothingBody {}

/// Read a message
#[utoipa::path(
    get,
    path = "/crm/messages/{id}",
    operation_id = "readMessage",
    tag = tags::CRM,
    security(("bearer" = [CrmRead::PERMISSION])),
    params(("id" = Uuid, Path, description = "The message's id"), MessageQuery),
    responses((status = 200, description = "The message", body = MessageBody)),
    extensions(("x-problems" = json!([Code::NotFound]))),
)]
pub(crate) async fn read(
    allow: Allow<CrmRead>,
    state: web::Data<State>,
    PathId(id): PathId<MessageId>,
    Query(query): Query<MessageQuery>,
) -> Result<web::Json<MessageBody>, Problem> {
    let found = state
        .in_tenant(allow, async |_, tx| outbound_message(tx, id, query.into(), &*state.clock).await)
        .await?
        .ok_or_else(Problem::not_found)?;
    Ok(web::Json(found.into()))
}

/// List the attempts to send a message
#[utoipa::path(
    get,
    path = "/crm/messages/{id}/attempts",
    operation_id = "listAttempts",
    tag = tags::SENDING,
    security(("bearer" = [CrmRead::PERMISSION])),
    params(("id" = Uuid, Path, description = "The message's id")),
    responses((status = 200, description = "The attempts", body = AttemptsBody)),
    extensions(("x-problems" = json!([Code::NotFound]))),
)]
pub(crate) async fn list_attempts(
    allow: Allow<CrmRead>,
    state: web::Data<State>,
    PathId(id): PathId<MessageId>,
) -> Result<web::Json<AttemptsBody>, Problem> {
    let found = state
        .in_tenant(allow, async |permit, tx| attempts(permit, tx, id, &*state.clock).await)
        .await?
        .ok_or_else(Problem::not_found)?;
    Ok(web::Json(AttemptsBody { data: found.into_iter().map(AttemptBody::from).collect() }))
}

/// New content and times of a message that waits; what is absent stays. `type` and the member of its name go together.
#[derive(ToSchema)]
#[schema(as = ChangeMessage, value_type = Object, example = json!({"send_before": "2030-01-31T09:30:00Z"}))]
#[expect(dead_code, reason = "for the document; the body is read by its members")]
pub(crate) struct ChangeRequest(serde_json::Value);

/// Change a message that has not left
///
/// Content, `send_at` and `send_before`; what is absent stays.
#[utoipa::path(
    patch,
    path = "/crm/messages/{id}",
    operation_id = "changeMessage",
    tag = tags::SENDING,
    security(("bearer" = [MessagesSend::PERMISSION])),
    params(("id" = Uuid, Path, description = "The message's id")),
    request_body(content((ChangeRequest = "application/merge-patch+json"), (ChangeRequest = "application/json"))),
    responses((status = 200, description = "The changed resource", body = MessageBody)),
    extensions(("x-problems" = json!([
        Code::NotFound, Code::NotChangeable, Code::WindowClosed, Code::OptedOut, Code::ChannelNotReady,
        Code::TemplateNotUsable, Code::ConversationReadOnly, Code::NewerConversation
    ]))),
)]
pub(crate) async fn change(
    allow: Allow<MessagesSend>,
    state: web::Data<State>,
    PathId(id): PathId<MessageId>,
    body: Json<MessageRequestBody>,
) -> Result<web::Json<MessageBody>, Problem> {
    let (origin, body) = (allow.origin(), body.into_inner());
    let mut account = None;
    let changed = state
        .in_tenant(allow, async |permit, tx| {
            let send = send_to_change(tx, id, &*state.clock).await.map_err(Problem::from)?;
            let request = body.check_change(&send)?;
            change_message(permit, tx, id, request, origin, &*state.clock).await.map_err(Problem::from)?;
            stored(tx, id, &state, &mut account).await
        })
        .await?;
    ring(&state, account);
    Ok(web::Json(changed))
}

/// Declares an operation on a message that is sent, without members in its body.
macro_rules! operation {
    ($(#[doc = $doc:literal])* $name:ident, $path:literal, $id:literal, $use_case:ident, $code:ident) => {
        $(#[doc = $doc])*
        #[utoipa::path(
            post,
            path = $path,
            operation_id = $id,
            tag = tags::SENDING,
            security(("bearer" = [MessagesSend::PERMISSION])),
            params(("id" = Uuid, Path, description = "The message's id")),
            request_body = NothingBody,
            responses((status = 200, description = "The message", body = MessageBody)),
            extensions(("x-problems" = json!([Code::NotFound, Code::$code]))),
        )]
        pub(crate) async fn $name(
            allow: Allow<MessagesSend>,
            state: web::Data<State>,
            PathId(id): PathId<MessageId>,
            _: Json<NothingBody>,
        ) -> Result<web::Json<MessageBody>, Problem> {
            let origin = allow.origin();
            let mut account = None;
            let changed = state
                .in_tenant(allow, async |permit, tx| {
                    $use_case(permit, tx, id, origin, &*state.clock).await.map_err(Problem::from)?;
                    stored(tx, id, &state, &mut account).await
                })
                .await?;
            ring(&state, account);
            Ok(web::Json(changed))
        }
    };
}

operation!(
    /// Send a message again
    ///
    /// One that failed, expired or was canceled, or that stayed unclear for ten minutes: then the customer may get it twice.
    resend, "/crm/messages/{id}/resend", "resendMessage", resend_message, NotResendable
);
operation!(
    /// Dismiss a message
    ///
    /// Says that nothing is left to do about a message that failed, or that stayed unclear for ten minutes.
    dismiss, "/crm/messages/{id}/dismiss", "dismissMessage", dismiss_message, NotDismissable
);
operation!(
    /// Cancel a message that has not left
    cancel, "/crm/messages/{id}/cancel", "cancelMessage", cancel_message, NotCancelable
);
