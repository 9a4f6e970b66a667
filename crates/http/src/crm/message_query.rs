use crm::MessageParts;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

/// What a list of messages leaves out unless it is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct MessageQuery {
    /// `payload`: also what WhatsApp sent.
    #[param(inline)]
    include: Option<IncludeBody>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum IncludeBody {
    Payload,
}

impl From<MessageQuery> for MessageParts {
    fn from(query: MessageQuery) -> Self {
        Self { payload: matches!(query.include, Some(IncludeBody::Payload)) }
    }
}
