use serde::Deserialize;
use utoipa::IntoParams;

/// Filters accounts.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AccountQuery {
    /// Only accounts that are pending approval.
    #[param(value_type = Option<bool>, default = false)]
    pending: Option<Flag>,
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
