use serde::Deserialize;
use utoipa::IntoParams;

use crate::extract::Flag;

/// Filters accounts.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AccountQuery {
    /// Only accounts that are pending approval.
    #[param(value_type = Option<bool>, default = false)]
    pending: Option<Flag>,
}

impl AccountQuery {
    pub(super) const fn only_pending(&self) -> bool {
        matches!(self.pending, Some(Flag::True))
    }
}
