use kernel::{Limit, LimitOutOfRange, PageRequest};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::http::cursor::{CursorKey, List};
use crate::http::problem::Problem;

/// Which part of a list is wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// How many items at most.
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100, default = 50)]
    pub(crate) limit: Option<LimitParameter>,
    /// `next_cursor` of the page before.
    pub(crate) cursor: Option<String>,
}

/// A limit as it stands in a query.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct LimitParameter(Limit);

impl LimitParameter {
    pub(crate) const fn get(self) -> Limit {
        self.0
    }
}

impl TryFrom<String> for LimitParameter {
    type Error = LimitOutOfRange;

    fn try_from(text: String) -> Result<Self, LimitOutOfRange> {
        Limit::new(text.parse().map_err(|_| LimitOutOfRange)?).map(Self)
    }
}

/// # Errors
/// `invalid_cursor` unless this list gave it out.
pub(crate) fn page_request(
    key: &CursorKey,
    list: List,
    limit: Option<LimitParameter>,
    cursor: Option<&str>,
) -> Result<PageRequest, Problem> {
    Ok(PageRequest {
        limit: limit.map(LimitParameter::get).unwrap_or_default(),
        after: cursor.map(|cursor| key.open(list, cursor)).transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_1_to_100() {
        let limit = |text: &str| LimitParameter::try_from(text.to_owned()).map(|LimitParameter(limit)| limit.get());
        assert_eq!(limit("1").unwrap(), 1);
        assert_eq!(limit("100").unwrap(), 100);
        for text in ["0", "101", "-1", "", "ten", "1.0", "99999999999"] {
            assert!(limit(text).is_err(), "{text}");
        }
    }
}
