use crm::{ConversationFilter, ConversationStatus};
use kernel::ids::{AccountId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[schema(as = ConversationStatus)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ConversationStatusBody {
    Open,
    Pending,
    Closed,
}

/// Filters conversations.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ConversationQuery {
    #[param(inline)]
    status: Option<ConversationStatusBody>,
    /// Id of a user.
    assignee: Option<Uuid>,
    /// Id of a WhatsApp account.
    account: Option<Uuid>,
}

impl From<ConversationQuery> for ConversationFilter {
    fn from(query: ConversationQuery) -> Self {
        Self {
            status: query.status.map(ConversationStatus::from),
            assignee: query.assignee.map(UserId::from_uuid),
            account: query.account.map(AccountId::from_uuid),
        }
    }
}

impl From<ConversationStatusBody> for ConversationStatus {
    fn from(status: ConversationStatusBody) -> Self {
        match status {
            ConversationStatusBody::Open => Self::Open,
            ConversationStatusBody::Pending => Self::Pending,
            ConversationStatusBody::Closed => Self::Closed,
        }
    }
}

impl From<ConversationStatus> for ConversationStatusBody {
    fn from(status: ConversationStatus) -> Self {
        match status {
            ConversationStatus::Open => Self::Open,
            ConversationStatus::Pending => Self::Pending,
            ConversationStatus::Closed => Self::Closed,
        }
    }
}
