use serde::Deserialize;
use utoipa::IntoParams;

use crate::extract::LimitParameter;

/// Filters accounts and selects the page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AccountQuery {
    /// Only accounts that are pending approval.
    #[param(value_type = Option<bool>, default = false)]
    pending: Option<Flag>,
    /// Maximum number of items.
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100, default = 50)]
    pub(super) limit: Option<LimitParameter>,
    /// `next_cursor` of the previous page.
    pub(super) cursor: Option<String>,
}

/// A boolean query parameter.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Flag {
    True,
    False,
}

impl AccountQuery {
    pub(super) const fn only_pending(&self) -> bool {
        matches!(self.pending, Some(Flag::True))
    }
}
