use crm::MessageParts;
use kernel::ids::AccountId;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// What a list of messages leaves out unless it is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct MessageQuery {
    /// `payload`: also what WhatsApp sent.
    #[param(inline)]
    include: Option<IncludeBody>,
}

/// The same for the messages of a contact, which may be with several numbers.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ContactMessageQuery {
    /// `payload`: also what WhatsApp sent.
    #[param(inline)]
    include: Option<IncludeBody>,
    /// Id of a WhatsApp account.
    account: Option<Uuid>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum IncludeBody {
    Payload,
}

impl ContactMessageQuery {
    pub(crate) fn account(&self) -> Option<AccountId> {
        self.account.map(AccountId::from_uuid)
    }
}

impl From<ContactMessageQuery> for MessageParts {
    fn from(query: ContactMessageQuery) -> Self {
        MessageQuery { include: query.include }.into()
    }
}

impl From<MessageQuery> for MessageParts {
    fn from(query: MessageQuery) -> Self {
        Self { payload: matches!(query.include, Some(IncludeBody::Payload)) }
    }
}
