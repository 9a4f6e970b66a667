use iam::TenantStatus;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::iam::bodies::StatusBody;

/// Filters tenants.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TenantQuery {
    /// Only tenants with this status.
    #[param(value_type = Option<StatusBody>)]
    status: Option<StatusBody>,
}

impl TenantQuery {
    pub(super) fn status(&self) -> Option<TenantStatus> {
        self.status.as_ref().map(TenantStatus::from)
    }
}
