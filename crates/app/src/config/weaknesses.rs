use std::collections::HashSet;
use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::key::Key;

/// What is valid, but should not be in the open. Never holds the value of a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Weaknesses(Vec<String>);

/// What random generators make is longer.
const ENOUGH_CHARACTERS: usize = 16;
const ENOUGH_DIFFERENT_CHARACTERS: usize = 8;
/// In the first words that anybody tries, and in those that manuals have for an example.
const KNOWN: [&str; 6] = ["changeme", "example", "guest", "letmein", "password", "secret"];

impl Weaknesses {
    pub(crate) fn add(&mut self, key: Key<'_>, weakness: impl fmt::Display) {
        self.0.push(format!("{key} {weakness}"));
    }

    /// A secret that somebody chose, and that others may guess.
    pub(crate) fn secret(&mut self, key: Key<'_>, secret: Option<&SecretString>) {
        if let Some(weakness) = secret.and_then(|secret| guessable(secret.expose_secret())) {
            self.add(key, weakness);
        }
    }

    /// The password in a URL.
    pub(crate) fn password(&mut self, key: Key<'_>, url: Option<&SecretString>) {
        let Some(url) = url.and_then(|url| Url::parse(url.expose_secret()).ok()) else { return };
        match url.password() {
            None => self.add(key, "has no password"),
            Some(password) if password == url.username() => self.add(key, "has the name of its user as password"),
            Some(password) => {
                if let Some(weakness) = guessable(password) {
                    self.add(key, format_args!("has a password that {weakness}"));
                }
            }
        }
    }

    /// One by one.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

fn guessable(secret: &str) -> Option<&'static str> {
    let different: HashSet<char> = secret.chars().collect();
    let lowercase = secret.to_lowercase();
    if KNOWN.iter().any(|word| lowercase.contains(word)) {
        Some("is made of a word that everybody tries")
    } else if secret.chars().count() < ENOUGH_CHARACTERS {
        Some("is shorter than 16 characters")
    } else if different.len() < ENOUGH_DIFFERENT_CHARACTERS {
        Some("repeats a few characters")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_choose_can_be_guessed_and_what_is_random_cannot() {
        for secret in ["", "short", "My-Password-of-2026", "aaaaaaaaaaaaaaaaaaaaaaaa", "12121212121212121212"] {
            assert!(guessable(secret).is_some(), "{secret}");
        }
        for secret in ["9f86d081884c7d659a2feaa0c55ad015", "kx7!Tq_0zLm2.VbN8"] {
            assert_eq!(guessable(secret), None, "{secret}");
        }
    }

    #[test]
    fn a_password_in_a_url_is_looked_at() {
        let found = |url: &str| {
            let mut weaknesses = Weaknesses::default();
            weaknesses.password(Key("amqp_url"), Some(&url.into()));
            weaknesses.0.concat()
        };
        assert_eq!(found("amqp://guest:guest@mq"), "amqp.url has the name of its user as password");
        assert_eq!(found("amqp://parley@mq"), "amqp.url has no password");
        assert_eq!(found("amqp://parley:short@mq"), "amqp.url has a password that is shorter than 16 characters");
        assert_eq!(found("amqp://parley:9f86d081884c7d659a2feaa0c55ad015@mq"), "");
    }
}
