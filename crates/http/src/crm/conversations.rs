use actix_web::web;
use chrono::{DateTime, Utc};
use crm::Conversation;
use flows::settle;
use kernel::ids::{ConversationId, UserId};
use kernel::{CrmRead, Grant as _};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::conversation_query::{ConversationQuery, ConversationStatusBody};
use crate::State;
use crate::auth::Allow;
use crate::cursor::{ListId, ListKind};
use crate::extract::{PathId, Query, page_request};
use crate::openapi::tag;
use crate::page::PageBody;
use crate::problem::{Code, Problem};

/// A conversation between one of the tenant's numbers and a contact.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Conversation)]
pub(crate) struct ConversationBody {
    id: Uuid,
    /// The tenant's WhatsApp account.
    account_id: Uuid,
    contact_id: Uuid,
    contact: ConversationContactBody,
    status: ConversationStatusBody,
    /// The assigned user, who may have been suspended or lost `crm:read` since; null after the user was deleted.
    #[schema(required)]
    assignee_id: Option<Uuid>,
    /// Inbound messages since the conversation was last marked as read. Each also increases the version.
    #[schema(example = 1)]
    unread_count: i32,
    last_message_at: DateTime<Utc>,
    #[schema(example = "Hello, is my order on its way?")]
    last_message_preview: String,
    /// End of WhatsApp's service window, 24 hours after the customer's last message: until then free-form messages are
    /// allowed.
    #[schema(required)]
    service_window_ends_at: Option<DateTime<Utc>>,
    /// Another agent, such as Meta's own, handles this conversation: do not reply.
    read_only: bool,
    version: i64,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConversationContact)]
pub(crate) struct ConversationContactBody {
    #[schema(example = "Grace Hopper")]
    display_name: String,
}

/// List conversations
///
/// Most recent message first.
#[utoipa::path(
    get,
    path = "/crm/conversations",
    operation_id = "listConversations",
    tag = tag::CRM,
    security(("bearer" = [CrmRead::PERMISSION])),
    params(ConversationQuery),
    responses((status = 200, description = "A page of conversations", body = PageBody<ConversationBody>)),
    extensions(("x-problems" = json!([Code::InvalidCursor]))),
)]
pub(crate) async fn list(
    allow: Allow<CrmRead>,
    state: web::Data<State>,
    Query(query): Query<ConversationQuery>,
) -> Result<web::Json<PageBody<ConversationBody>>, Problem> {
    let list = ListId { kind: ListKind::Conversations, tenant: allow.scope().tenant() };
    let page = page_request(&state.cursor_key, list, query.limit, query.cursor.as_deref())?;
    let mut tx = state.database.tenant(allow.scope()).await?;
    let outcome = crm::conversations(allow.permit(), &mut *tx, &query.into(), &page).await;
    let page = settle(tx, outcome).await?;
    Ok(web::Json(PageBody::from_page(page, &state.cursor_key, list)))
}

/// Read a conversation
#[utoipa::path(
    get,
    path = "/crm/conversations/{id}",
    operation_id = "readConversation",
    tag = tag::CRM,
    security(("bearer" = [CrmRead::PERMISSION])),
    params(("id" = Uuid, Path, description = "The conversation's id")),
    responses((status = 200, description = "The conversation", body = ConversationBody)),
    extensions(("x-problems" = json!([Code::NotFound]))),
)]
pub(crate) async fn read(
    allow: Allow<CrmRead>,
    state: web::Data<State>,
    PathId(id): PathId<ConversationId>,
) -> Result<web::Json<ConversationBody>, Problem> {
    let mut tx = state.database.tenant(allow.scope()).await?;
    let outcome = crm::conversation(allow.permit(), &mut *tx, id).await;
    let conversation = settle(tx, outcome).await?.ok_or_else(|| Problem::new(Code::NotFound))?;
    Ok(web::Json(conversation.into()))
}

impl From<Conversation> for ConversationBody {
    fn from(conversation: Conversation) -> Self {
        Self {
            id: conversation.id.as_uuid(),
            account_id: conversation.account.as_uuid(),
            contact_id: conversation.contact.as_uuid(),
            contact: ConversationContactBody { display_name: conversation.contact_display_name },
            status: conversation.status.into(),
            assignee_id: conversation.assignee.map(UserId::as_uuid),
            unread_count: conversation.unread_count,
            last_message_at: conversation.last_message_at,
            last_message_preview: conversation.last_message_preview,
            service_window_ends_at: conversation.service_window_ends_at,
            read_only: conversation.read_only,
            version: conversation.version,
        }
    }
}
