use iam::TenantStatus;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::extract::LimitParameter;
use crate::iam::bodies::StatusBody;

/// Filters tenants and selects the page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TenantQuery {
    /// Only tenants with this status.
    #[param(value_type = Option<StatusBody>)]
    status: Option<StatusBody>,
    /// Maximum number of items.
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100, default = 50)]
    pub(super) limit: Option<LimitParameter>,
    /// `next_cursor` of the previous page.
    pub(super) cursor: Option<String>,
}

impl TenantQuery {
    pub(super) fn status(&self) -> Option<TenantStatus> {
        self.status.as_ref().map(TenantStatus::from)
    }
}
