use kernel::{PageLimit, PageLimitOutOfRange, PageRequest};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::cursor::{CursorKey, ListId};
use crate::problem::Problem;

/// Selects a page of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// Maximum number of items.
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100, default = 50)]
    pub(crate) limit: Option<LimitParameter>,
    /// `next_cursor` of the previous page.
    pub(crate) cursor: Option<String>,
}

/// A page limit as a query parameter.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct LimitParameter(PageLimit);

impl LimitParameter {
    pub(crate) const fn get(self) -> PageLimit {
        self.0
    }
}

impl TryFrom<String> for LimitParameter {
    type Error = PageLimitOutOfRange;

    fn try_from(text: String) -> Result<Self, PageLimitOutOfRange> {
        PageLimit::new(text.parse().map_err(|_| PageLimitOutOfRange)?).map(Self)
    }
}

/// # Errors `invalid_cursor` unless the cursor was issued for this list.
pub(crate) fn page_request(
    key: &CursorKey,
    list: ListId,
    limit: Option<LimitParameter>,
    cursor: Option<&str>,
) -> Result<PageRequest, Problem> {
    Ok(PageRequest {
        limit: limit.map(LimitParameter::get).unwrap_or_default(),
        after: cursor.map(|cursor| key.decode(list, cursor)).transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_limit_is_1_to_100() {
        let limit = |text: &str| LimitParameter::try_from(text.to_owned()).map(|LimitParameter(limit)| limit.get());
        assert_eq!(limit("1").unwrap(), 1);
        assert_eq!(limit("100").unwrap(), 100);
        for text in ["0", "101", "-1", "", "ten", "1.0", "99999999999"] {
            assert!(limit(text).is_err(), "{text}");
        }
    }
}
