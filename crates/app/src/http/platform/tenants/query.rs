use iam::TenantStatus;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::http::extract::LimitParameter;
use crate::http::iam::bodies::StatusBody;

/// Which tenants are wanted, and which part of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TenantQuery {
    /// Only those of this status.
    #[param(value_type = Option<StatusBody>)]
    status: Option<StatusBody>,
    /// How many items at most.
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100, default = 50)]
    pub(super) limit: Option<LimitParameter>,
    /// `next_cursor` of the page before.
    pub(super) cursor: Option<String>,
}

impl TenantQuery {
    pub(super) fn status(&self) -> Option<TenantStatus> {
        self.status.as_ref().map(TenantStatus::from)
    }
}
