use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use kernel::{PageLimit, PageLimitOutOfRange, PageRequest};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Map;
use utoipa::IntoParams;

use super::query::{deserialize, parameters};
use crate::cursor::{CursorKey, ListId};
use crate::problem::Problem;

/// Selects a page of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// Maximum number of items.
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100, default = 50)]
    limit: Option<LimitParameter>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
}

/// The query of a list: its filter, and the page.
#[derive(Debug)]
pub(crate) struct Listing<F = NoFilter> {
    pub(crate) filter: F,
    /// Whether the query has a filter.
    pub(crate) is_filtered: bool,
    pub(crate) page: PageQuery,
}

/// For a list without a filter.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoFilter {}

/// A page limit as a query parameter.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct LimitParameter(PageLimit);

impl<F: DeserializeOwned> FromRequest for Listing<F> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::parse(request.query_string()))
    }
}

impl<F: DeserializeOwned> Listing<F> {
    fn parse(query: &str) -> Result<Self, Problem> {
        let (page, filter): (Map<_, _>, Map<_, _>) =
            parameters(query)?.into_iter().partition(|(name, _)| name == "limit" || name == "cursor");
        let is_filtered = !filter.is_empty();
        Ok(Self { filter: deserialize(filter)?, is_filtered, page: deserialize(page)? })
    }
}

impl PageQuery {
    /// # Errors
    /// `invalid_cursor` unless the cursor was issued for this list.
    pub(crate) fn request(&self, key: &CursorKey, list: ListId) -> Result<PageRequest, Problem> {
        Ok(PageRequest {
            limit: self.limit.map(LimitParameter::get).unwrap_or_default(),
            after: self.cursor.as_deref().map(|cursor| key.decode(list, cursor)).transpose()?,
        })
    }
}

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
