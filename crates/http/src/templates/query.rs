use kernel::ids::AccountId;
use outbound::{TemplateFilter, TemplateStatus};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::bodies::TemplateStatusBody;

/// Filters templates.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TemplateQuery {
    /// Id of a WhatsApp account: templates of its business account.
    account: Option<Uuid>,
    #[param(inline)]
    status: Option<TemplateStatusBody>,
    /// The whole name.
    #[param(example = "order_shipped")]
    name: Option<String>,
}

impl From<TemplateQuery> for TemplateFilter {
    fn from(query: TemplateQuery) -> Self {
        Self {
            account: query.account.map(AccountId::from_uuid),
            status: query.status.map(TemplateStatus::from),
            name: query.name,
        }
    }
}
