use std::fmt;

use ring::hmac;
use secrecy::{ExposeSecret, SecretString};

/// The secret of a Meta app. Never empty: with an empty key anyone could sign.
#[derive(Clone)]
pub struct AppSecret(SecretString);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must not be empty")]
pub struct EmptySecret;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to 256 visible ASCII characters")]
pub struct InvalidSecret;

impl AppSecret {
    /// # Errors
    /// [`EmptySecret`], also for white space alone.
    pub fn new(secret: SecretString) -> Result<Self, EmptySecret> {
        if secret.expose_secret().trim().is_empty() { Err(EmptySecret) } else { Ok(Self(secret)) }
    }

    /// A secret entered by a tenant. Meta's are 32 hexadecimal digits. White space is refused: such a mistake could not be seen
    /// once the secret is sealed.
    ///
    /// # Errors
    /// [`InvalidSecret`].
    pub fn parse(secret: SecretString) -> Result<Self, InvalidSecret> {
        let text = secret.expose_secret();
        let valid = (1..=256).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if valid { Ok(Self(secret)) } else { Err(InvalidSecret) }
    }

    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    fn key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, self.0.expose_secret().as_bytes())
    }
}

/// The secrets that sign an app's deliveries: the current one and, for repeats of older deliveries, the previous one.
#[derive(Clone)]
pub struct AppSecrets {
    keys: Vec<hmac::Key>,
}

impl AppSecrets {
    #[must_use]
    pub fn new(current: &AppSecret, previous: Option<&AppSecret>) -> Self {
        Self { keys: [Some(current), previous].into_iter().flatten().map(AppSecret::key).collect() }
    }

    /// The current one first.
    pub(crate) fn keys(&self) -> &[hmac::Key] {
        &self.keys
    }
}

impl fmt::Debug for AppSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AppSecret(***)")
    }
}

impl fmt::Debug for AppSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AppSecrets({} keys)", self.keys.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_secrets_are_refused() {
        for text in ["", " ", "\n"] {
            assert_eq!(AppSecret::new(text.into()).unwrap_err(), EmptySecret);
        }
        for text in ["", " ", "a b", "secret\n", "é", "a\u{0}", &"x".repeat(257)] {
            assert_eq!(AppSecret::parse(text.into()).unwrap_err(), InvalidSecret, "{text:?}");
        }
    }
}
