use serde::Deserialize;
use utoipa::IntoParams;

use crate::extract::LimitParameter;

/// The search query.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchParameters {
    /// Words, or a phone number or its beginning; at least two letters or digits, at most 200 characters.
    #[param(example = "grace", min_length = 2, max_length = 200)]
    pub(super) q: String,
    /// Maximum number of results.
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100, default = 50)]
    pub(super) limit: Option<LimitParameter>,
}
