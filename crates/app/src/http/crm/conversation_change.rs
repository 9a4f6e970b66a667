use std::convert::Infallible;

use actix_web::web;
use crm::{ConversationPatch, ConversationStatus};
use flows::{ChangeConversationError, change_conversation, settle};
use kernel::ids::{ConversationId, UserId};
use kernel::{Change, CrmWrite, Grant as _};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::conversation_query::ConversationStatusBody;
use super::conversations::ConversationBody;
use crate::http::State;
use crate::http::auth::Allow;
use crate::http::extract::{Json, PathId, member};
use crate::http::openapi::tag;
use crate::http::problem::{Code, FieldError, Problem};
use crate::http::validation::Validation;

/// Members that are absent stay as they are (RFC 7396).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ConversationPatch)]
pub(crate) struct PatchBody {
    /// As the conversation was last read; a message of the customer's raises it, too.
    #[schema(example = 1)]
    version: i64,
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = ConversationStatusBody, required = false)]
    status: Change<ConversationStatusBody>,
    /// An active user who may read conversations; null: nobody.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = Option<Uuid>)]
    assignee_id: Change<Uuid>,
    /// 0: everything is read.
    #[serde(default, deserialize_with = "member")]
    #[schema(value_type = i32, required = false, minimum = 0, maximum = 0, example = 0)]
    unread_count: Change<i64>,
}

/// Change a conversation
///
/// A JSON Merge Patch: close it or open it again, name who takes care of it, mark it read. Closing and opening again are told
/// in the contact's history. A message to a closed conversation opens a new one, and while there is one, no other with the same
/// contact and number can be opened.
#[utoipa::path(
    patch,
    path = "/crm/conversations/{id}",
    operation_id = "changeConversation",
    tag = tag::CRM,
    security(("bearer" = [CrmWrite::PERMISSION])),
    params(("id" = Uuid, Path, description = "The conversation's id")),
    request_body(content((PatchBody = "application/merge-patch+json"), (PatchBody = "application/json"))),
    responses((status = 200, description = "As it is now", body = ConversationBody)),
    extensions(("x-problems" = json!([Code::NotFound, Code::StaleVersion, Code::ConversationOpen]))),
)]
pub(crate) async fn change(
    allow: Allow<CrmWrite>,
    state: web::Data<State>,
    PathId(id): PathId<ConversationId>,
    body: Json<PatchBody>,
) -> Result<web::Json<ConversationBody>, Problem> {
    let patch = body.into_inner().check()?;
    let mut tx = state.identity.database.tenant(allow.scope()).await?;
    let outcome = change_conversation(allow.permit(), &mut *tx, id, patch, &*state.identity.clock).await;
    Ok(web::Json(settle(tx, outcome).await?.into()))
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
        if validation.is_clean() { Ok(patch) } else { Err(validation.into_problem()) }
    }
}

impl From<ChangeConversationError> for Problem {
    fn from(error: ChangeConversationError) -> Self {
        match error {
            ChangeConversationError::UnfitAssignee => {
                let mut validation = Validation::default();
                let detail = "is no active user who may read conversations";
                validation.note(FieldError::at("/assignee_id", "unfit", detail));
                validation.into_problem()
            }
            ChangeConversationError::Conversation(error) => match error {
                crm::ChangeConversationError::NotFound => Self::new(Code::NotFound),
                crm::ChangeConversationError::Stale => Self::new(Code::StaleVersion),
                crm::ChangeConversationError::AnotherIsOpen => Self::new(Code::ConversationOpen),
                crm::ChangeConversationError::Store(error) => error.into(),
            },
        }
    }
}
