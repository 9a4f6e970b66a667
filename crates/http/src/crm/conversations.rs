use actix_web::web;
use chrono::{DateTime, Utc};
use crm::{Conversation, ConversationFilter};
use kernel::ids::{ConversationId, UserId};
use kernel::{CrmRead, Grant as _};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::conversation_query::{ClosedReasonBody, ConversationQuery, ConversationStatusBody};
use crate::auth::Allow;
use crate::cursor::ListKind;
use crate::extract::{Listing, PageQuery, PathId};
use crate::page::PageBody;
use crate::problem::{Code, Problem};
use crate::state::State;
use crate::tags;

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
    /// `imported`: its messages are from before the number was connected. Null while it is not closed, and after a user closed it.
    #[schema(required)]
    closed_reason: Option<ClosedReasonBody>,
    /// The conversation of the same number and contact before this one.
    #[schema(required)]
    previous_conversation_id: Option<Uuid>,
    /// The assigned user, who may have been suspended or lost `crm:read` since; null after the user was deleted.
    #[schema(required)]
    assignee_id: Option<Uuid>,
    /// What came from the customer since the conversation was last marked as read: messages, missed calls, and messages that they
    /// edited, deleted or reacted to. Each also increases the version.
    #[schema(example = 1)]
    unread_count: i32,
    last_message_at: DateTime<Utc>,
    /// The time of what the preview shows. The list is in its order.
    last_activity_at: DateTime<Utc>,
    /// The last message, or what happened since: an edited message, `Message deleted`, a reaction to a message of the business,
    /// `Missed call`.
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
    /// Who it is: the name, else the WhatsApp user name, else the number as people write it, else `Unknown`.
    #[schema(example = "Grace Hopper")]
    title: String,
}

/// List conversations
///
/// Most recent activity first.
#[utoipa::path(
    get,
    path = "/crm/conversations",
    operation_id = "listConversations",
    tag = tags::CRM,
    security(("bearer" = [CrmRead::PERMISSION])),
    params(ConversationQuery, PageQuery),
    responses((status = 200, description = "A page of conversations", body = PageBody<ConversationBody>)),
    extensions(("x-problems" = json!([Code::InvalidCursor]))),
)]
pub(crate) async fn list(
    allow: Allow<CrmRead>,
    state: web::Data<State>,
    listing: Listing<ConversationQuery>,
) -> Result<web::Json<PageBody<ConversationBody>>, Problem> {
    let filter = ConversationFilter::from(listing.filter);
    state
        .list(allow, ListKind::Conversations, &listing.page, async |permit, tx, page| {
            crm::conversations(permit, tx, &filter, page).await
        })
        .await
}

/// Read a conversation
#[utoipa::path(
    get,
    path = "/crm/conversations/{id}",
    operation_id = "readConversation",
    tag = tags::CRM,
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
    let conversation = state
        .in_tenant(allow, async |permit, tx| crm::conversation(permit, tx, id).await)
        .await?
        .ok_or_else(Problem::not_found)?;
    Ok(web::Json(conversation.into()))
}

impl From<Conversation> for ConversationBody {
    fn from(conversation: Conversation) -> Self {
        let closed_reason = conversation.closed_reason().map(ClosedReasonBody::from);
        Self {
            id: conversation.id.as_uuid(),
            account_id: conversation.account.as_uuid(),
            contact_id: conversation.contact.as_uuid(),
            contact: ConversationContactBody {
                display_name: conversation.contact_display_name,
                title: conversation.contact_title,
            },
            closed_reason,
            previous_conversation_id: conversation.previous.map(ConversationId::as_uuid),
            status: conversation.status.into(),
            assignee_id: conversation.assignee.map(UserId::as_uuid),
            unread_count: conversation.unread_count,
            last_message_at: conversation.last_message_at,
            last_activity_at: conversation.last_activity_at,
            last_message_preview: conversation.last_message_preview,
            service_window_ends_at: conversation.service_window_ends_at,
            read_only: conversation.read_only,
            version: conversation.version,
        }
    }
}
