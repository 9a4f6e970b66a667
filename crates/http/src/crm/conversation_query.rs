use crm::{ClosedReason, ConversationFilter, ConversationStatus};
use kernel::ids::{AccountId, UserId};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::closed_set::closed_set;

closed_set!(ConversationStatusBody = ConversationStatus, "ConversationStatus");

closed_set!(
    /// Why a conversation is closed that no user closed.
    ClosedReasonBody = ClosedReason,
    "ClosedReason"
);

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
