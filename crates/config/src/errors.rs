use std::fmt;
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};

use super::key::Key;

/// All errors of a configuration, reported together. Never holds the value of a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigErrors(Vec<String>);

impl ConfigErrors {
    pub(crate) fn add(&mut self, error: String) {
        self.0.push(error);
    }

    /// The text of each error.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A required value. An empty one counts as missing: a deployment template turns an unset variable into an empty value.
    pub(crate) fn require<'v>(&mut self, key: Key<'_>, value: Option<&'v SecretString>) -> Option<&'v SecretString> {
        let value = non_empty(value);
        if value.is_none() {
            self.add(format!("{key} is missing: set {}", key.how_to_set()));
        }
        value
    }

    /// Parses a value that is not secret.
    pub(crate) fn parse<T: FromStr>(&mut self, key: Key<'_>, text: &str, expected: &str) -> Option<T> {
        let value = text.parse().ok();
        if value.is_none() {
            self.invalid(key, text, expected);
        }
        value
    }

    /// Records an invalid value that is not secret, with what is expected.
    pub(crate) fn invalid(&mut self, key: Key<'_>, text: &str, expected: &str) {
        self.add(format!("{key} must be {expected}, not {text:?}"));
    }

    /// Records an invalid secret, without its value.
    pub(crate) fn invalid_secret(&mut self, key: Key<'_>, reason: impl fmt::Display) {
        self.add(format!("{key} {reason}"));
    }
}

/// The secret, unless it is empty.
pub(crate) fn non_empty(value: Option<&SecretString>) -> Option<&SecretString> {
    value.filter(|value| !value.expose_secret().trim().is_empty())
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [error] => write!(f, "the configuration is invalid: {error}"),
            errors => {
                write!(f, "the configuration has {} errors:", errors.len())?;
                errors.iter().try_for_each(|error| write!(f, "\n  - {error}"))
            }
        }
    }
}

impl std::error::Error for ConfigErrors {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_value_names_flag_variable_and_file_entry() {
        let mut errors = ConfigErrors::default();
        for value in [None, Some(SecretString::from(" "))] {
            assert!(errors.require(Key("amqp_url"), value.as_ref()).is_none());
        }
        let expected =
            "amqp.url is missing: set --amqp-url, PARLEY_AMQP_URL, or `url` in [amqp] of the configuration file";
        assert_eq!(errors.iter().collect::<Vec<_>>(), [expected, expected]);
    }

    #[test]
    fn one_error_is_shown_inline_and_several_as_a_list() {
        let mut errors = ConfigErrors::default();
        errors.invalid(Key("http_listen"), "x", "an address");
        assert_eq!(errors.to_string(), "the configuration is invalid: http.listen must be an address, not \"x\"");
        errors.invalid_secret(Key("amqp_url"), "must be a URL");
        assert!(
            errors
                .to_string()
                .ends_with("2 errors:\n  - http.listen must be an address, not \"x\"\n  - amqp.url must be a URL")
        );
    }
}
