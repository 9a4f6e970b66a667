use serde::Deserialize;
use utoipa::IntoParams;

use crate::http::extract::LimitParameter;

/// Which accounts are wanted, and which part of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AccountQuery {
    /// Only those that wait for approval.
    #[param(value_type = Option<bool>, default = false)]
    pending: Option<Flag>,
    /// How many items at most.
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100, default = 50)]
    pub(super) limit: Option<LimitParameter>,
    /// `next_cursor` of the page before.
    pub(super) cursor: Option<String>,
}

/// As it stands in a query.
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
