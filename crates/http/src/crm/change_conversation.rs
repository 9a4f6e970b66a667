use std::convert::Infallible;

use actix_web::web;
use crm::{ConversationPatch, ConversationStatus};
use flows::{ChangeConversationError, change_conversation};
use kernel::ids::{ConversationId, UserId};
use kernel::{Change, CrmWrite, Grant as _};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::conversation_query::ConversationStatusBody;
use super::conversations::ConversationBody;
use crate::auth::Allow;
use crate::extract::{Json, PathId, member};
use crate::problem::{Code, FieldError, Problem};
use crate::state::State;
use crate::tags;
use crate::validation::Validation;

/// A JSON Merge Patch (RFC 7396): absent members are kept.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ConversationPatch)]
pub(crate) struct PatchBody {
    /// Version as last read; an inbound message also increases it.
    #[schema(example = 1)]
    version: i64,
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = ConversationStatusBody, required = false)]
    status: Change<ConversationStatusBody>,
    /// An active user with `crm:read`; null unassigns.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = Option<Uuid>)]
    assignee_id: Change<Uuid>,
    /// Only 0 is allowed: marks all messages as read.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = i32, required = false, minimum = 0, maximum = 0, example = 0)]
    unread_count: Change<i64>,
}

/// Change a conversation
///
/// A JSON Merge Patch: close, reopen, assign or mark as read. Closing and reopening are recorded as interactions. An
/// inbound message after closing starts a new conversation; while one is open, another one with the same contact and
/// number cannot be reopened.
#[utoipa::path(
    patch,
    path = "/crm/conversations/{id}",
    operation_id = "changeConversation",
    tag = tags::CRM,
    security(("bearer" = [CrmWrite::PERMISSION])),
    params(("id" = Uuid, Path, description = "The conversation's id")),
    request_body(content((PatchBody = "application/merge-patch+json"), (PatchBody = "application/json"))),
    responses((status = 200, description = "The changed resource", body = ConversationBody)),
    extensions(("x-problems" = json!([Code::NotFound, Code::StaleVersion, Code::ConversationOpen]))),
)]
pub(crate) async fn change(
    allow: Allow<CrmWrite>,
    state: web::Data<State>,
    PathId(id): PathId<ConversationId>,
    body: Json<PatchBody>,
) -> Result<web::Json<ConversationBody>, Problem> {
    let patch = body.into_inner().check()?;
    let found = state
        .in_tenant(allow, async |permit, tx| change_conversation(permit, tx, id, patch, &*state.clock).await)
        .await?;
    Ok(web::Json(found.into()))
}

impl PatchBody {
    fn check(self) -> Result<ConversationPatch, Problem> {
        let mut validation = Validation::default();
        let status = |status| Ok::<_, Infallible>(ConversationStatus::from(status));
        let zero = |count| if count == 0 { Ok(()) } else { Err("can be set to 0 only") };
        let patch = ConversationPatch {
            version: self.version,
            status: validation.replacement("/status", self.status, status),
            assignee: match self.assignee_id {
                Change::Keep => Change::Keep,
                Change::Clear => Change::Clear,
                Change::Set(id) => Change::Set(UserId::from_uuid(id)),
            },
            read: validation.replacement("/unread_count", self.unread_count, zero).is_some(),
        };
        if validation.is_valid() { Ok(patch) } else { Err(validation.into_problem()) }
    }
}

impl From<ChangeConversationError> for Problem {
    fn from(error: ChangeConversationError) -> Self {
        match error {
            ChangeConversationError::UnfitAssignee => {
                let mut validation = Validation::default();
                let detail = "is not an active user with the permission crm:read";
                validation.add(FieldError::in_body("/assignee_id", "unfit", detail));
                validation.into_problem()
            }
            ChangeConversationError::Conversation(error) => match error {
                crm::ChangeConversationError::NotFound => Self::not_found(),
                crm::ChangeConversationError::VersionConflict => Self::new(Code::StaleVersion),
                crm::ChangeConversationError::AnotherConversationOpen => Self::new(Code::ConversationOpen),
                crm::ChangeConversationError::Store(error) => error.into(),
            },
        }
    }
}
