//! Texts of closed sets in columns. The sets are enums of the domains, with `strum` for their texts.

use std::str::FromStr;

use kernel::StoreError;

/// The case of a closed set that a column names.
pub(crate) fn parse<T: FromStr>(text: &str, column: &'static str) -> Result<T, StoreError> {
    text.parse().map_err(|_| StoreError::corrupt(column))
}

/// The same for a column that may be null.
pub(crate) fn parse_optional<T: FromStr>(text: Option<&str>, column: &'static str) -> Result<Option<T>, StoreError> {
    text.map(|text| parse(text, column)).transpose()
}
