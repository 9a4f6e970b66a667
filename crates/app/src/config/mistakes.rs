use std::fmt;
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};

use super::key::Key;

/// Everything that is wrong with the configuration: all of it is told at once, so that mending it takes one try.
/// Never holds the value of a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mistakes(Vec<String>);

impl Mistakes {
    pub(crate) fn add(&mut self, mistake: String) {
        self.0.push(mistake);
    }

    /// One by one.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A value that must be there. An empty one counts as missing: that is what an unset variable of a deployment's
    /// template becomes.
    pub(crate) fn require<'v>(&mut self, key: Key<'_>, value: Option<&'v SecretString>) -> Option<&'v SecretString> {
        let value = present(value);
        if value.is_none() {
            self.add(format!("{key} is missing: set {}", key.places()));
        }
        value
    }

    /// A value that is not secret, in its own type.
    pub(crate) fn parse<T: FromStr>(&mut self, key: Key<'_>, text: &str, expected: &str) -> Option<T> {
        let value = text.parse().ok();
        if value.is_none() {
            self.wrong(key, text, expected);
        }
        value
    }

    /// A value that is not secret, and what it should have been.
    pub(crate) fn wrong(&mut self, key: Key<'_>, text: &str, expected: &str) {
        self.add(format!("{key} must be {expected}, not {text:?}"));
    }

    /// A secret that is not what it should be.
    pub(crate) fn wrong_secret(&mut self, key: Key<'_>, reason: impl fmt::Display) {
        self.add(format!("{key} {reason}"));
    }
}

/// The secret, unless it is empty.
pub(crate) fn present(value: Option<&SecretString>) -> Option<&SecretString> {
    value.filter(|value| !value.expose_secret().trim().is_empty())
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [mistake] => write!(f, "the configuration is wrong: {mistake}"),
            mistakes => {
                write!(f, "the configuration has {} mistakes:", mistakes.len())?;
                mistakes.iter().try_for_each(|mistake| write!(f, "\n  - {mistake}"))
            }
        }
    }
}

impl std::error::Error for Mistakes {}
