use std::collections::HashSet;
use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::key::Key;

/// Settings that are valid but insecure. Never holds the value of a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigWarnings(Vec<String>);

/// Generated secrets are longer.
const MIN_CHARACTERS: usize = 16;
const MIN_DISTINCT_CHARACTERS: usize = 8;
/// Words that attackers try first, and that manuals use in examples.
const COMMON_WORDS: [&str; 6] = ["changeme", "example", "guest", "letmein", "password", "secret"];

impl ConfigWarnings {
    pub(crate) fn add(&mut self, key: Key<'_>, warning: impl fmt::Display) {
        self.0.push(format!("{key} {warning}"));
    }

    /// Warns about a secret that can be guessed.
    pub(crate) fn secret(&mut self, key: Key<'_>, secret: Option<&SecretString>) {
        if let Some(weakness) = secret.and_then(|secret| find_weakness(secret.expose_secret())) {
            self.add(key, weakness);
        }
    }

    /// Warns about the password in a URL.
    pub(crate) fn password(&mut self, key: Key<'_>, url: Option<&SecretString>) {
        let Some(url) = url.and_then(|url| Url::parse(url.expose_secret()).ok()) else { return };
        match url.password() {
            None => self.add(key, "has no password"),
            Some(password) if password == url.username() => self.add(key, "has a password that equals its user name"),
            Some(password) => {
                if let Some(weakness) = find_weakness(password) {
                    self.add(key, format_args!("has a password that {weakness}"));
                }
            }
        }
    }

    /// The text of each warning.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

fn find_weakness(secret: &str) -> Option<&'static str> {
    let distinct: HashSet<char> = secret.chars().collect();
    let lowercase = secret.to_lowercase();
    if COMMON_WORDS.iter().any(|word| lowercase.contains(word)) {
        Some("contains a common word")
    } else if secret.chars().count() < MIN_CHARACTERS {
        Some("is shorter than 16 characters")
    } else if distinct.len() < MIN_DISTINCT_CHARACTERS {
        Some("has fewer than 8 different characters")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chosen_secret_is_weak_and_random_secret_is_not() {
        for secret in ["", "short", "My-Password-of-2026", "aaaaaaaaaaaaaaaaaaaaaaaa", "12121212121212121212"] {
            assert!(find_weakness(secret).is_some(), "{secret}");
        }
        for secret in ["9f86d081884c7d659a2feaa0c55ad015", "kx7!Tq_0zLm2.VbN8"] {
            assert_eq!(find_weakness(secret), None, "{secret}");
        }
    }

    #[test]
    fn weak_url_password_is_reported() {
        let found = |url: &str| {
            let mut warnings = ConfigWarnings::default();
            warnings.password(Key("amqp_url"), Some(&url.into()));
            warnings.0.concat()
        };
        assert_eq!(found("amqp://guest:guest@mq"), "amqp.url has a password that equals its user name");
        assert_eq!(found("amqp://parley@mq"), "amqp.url has no password");
        assert_eq!(found("amqp://parley:short@mq"), "amqp.url has a password that is shorter than 16 characters");
        assert_eq!(found("amqp://parley:9f86d081884c7d659a2feaa0c55ad015@mq"), "");
    }
}
