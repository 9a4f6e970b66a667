use std::fmt;

use ring::hmac;
use secrecy::{ExposeSecret, SecretString};

use crate::EmptySecret;

/// The token entered at Meta when a callback is registered. Meta sends it in the handshake. Never empty.
#[derive(Clone)]
pub struct VerifyToken(SecretString);

impl VerifyToken {
    /// # Errors
    /// [`EmptySecret`], also for white space alone.
    pub fn new(token: SecretString) -> Result<Self, EmptySecret> {
        if token.expose_secret().trim().is_empty() { Err(EmptySecret) } else { Ok(Self(token)) }
    }

    /// A token entered by a tenant, here and where the webhook is registered at Meta.
    ///
    /// # Errors
    /// [`InvalidVerifyToken`].
    pub fn parse(token: SecretString) -> Result<Self, InvalidVerifyToken> {
        let text = token.expose_secret();
        let valid =
            (1..=256).contains(&text.chars().count()) && text.trim() == text && !text.chars().any(char::is_control);
        if valid { Ok(Self(token)) } else { Err(InvalidVerifyToken) }
    }

    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Compares in constant time for any lengths: both sides are hashed with a key first.
    fn matches(&self, other: &str) -> bool {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.expose_secret().as_bytes());
        hmac::verify(&key, other.as_bytes(), hmac::sign(&key, self.0.expose_secret().as_bytes()).as_ref()).is_ok()
    }
}

impl fmt::Debug for VerifyToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerifyToken(***)")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to 256 characters on one line, without white space around them")]
pub struct InvalidVerifyToken;

/// The request that Meta sends when a callback is registered: `hub.mode`, `hub.verify_token`, `hub.challenge`.
#[derive(Debug)]
pub struct Handshake {
    mode: String,
    token: String,
    challenge: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    #[error("exactly one each of hub.mode, hub.verify_token and hub.challenge is expected")]
    Malformed,
    #[error("the mode is not `subscribe`, or the verify token is wrong")]
    Refused,
}

impl Handshake {
    /// Documented as a random string; Meta's samples are short numbers.
    const MAX_CHALLENGE_BYTES: usize = 1_024;

    /// # Errors
    /// [`HandshakeError::Malformed`] if a parameter is missing, repeated or too long.
    pub fn from_query(parameters: &[(String, String)]) -> Result<Self, HandshakeError> {
        let one = |name: &str| {
            let mut values = parameters.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone());
            values.next().filter(|_| values.next().is_none()).ok_or(HandshakeError::Malformed)
        };
        let handshake =
            Self { mode: one("hub.mode")?, token: one("hub.verify_token")?, challenge: one("hub.challenge")? };
        if handshake.challenge.is_empty() || handshake.challenge.len() > Self::MAX_CHALLENGE_BYTES {
            return Err(HandshakeError::Malformed);
        }
        Ok(handshake)
    }

    /// The challenge, which is the body of the response. `expected` is `None` for an unknown app.
    ///
    /// # Errors
    /// [`HandshakeError::Refused`] for a wrong mode or token.
    pub fn answer(self, expected: Option<&VerifyToken>) -> Result<String, HandshakeError> {
        if self.mode == "subscribe" && expected.is_some_and(|expected| expected.matches(&self.token)) {
            Ok(self.challenge)
        } else {
            Err(HandshakeError::Refused)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(parameters: &[(&str, &str)]) -> Result<String, HandshakeError> {
        let parameters: Vec<_> = parameters.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Handshake::from_query(&parameters)?.answer(Some(&VerifyToken::new("token".into()).unwrap()))
    }

    #[test]
    fn right_token_returns_the_challenge() {
        let asked = [("hub.mode", "subscribe"), ("hub.challenge", "1158201444"), ("hub.verify_token", "token")];
        assert_eq!(ask(&asked).as_deref(), Ok("1158201444"));
    }

    #[test]
    fn other_requests_are_refused() {
        let asked = |mode, token| ask(&[("hub.mode", mode), ("hub.challenge", "1"), ("hub.verify_token", token)]);
        assert_eq!(asked("subscribe", "Token"), Err(HandshakeError::Refused));
        assert_eq!(asked("subscribe", ""), Err(HandshakeError::Refused));
        assert_eq!(asked("unsubscribe", "token"), Err(HandshakeError::Refused));
        assert_eq!(ask(&[("hub.mode", "subscribe"), ("hub.challenge", "1")]), Err(HandshakeError::Malformed));
        let twice = [
            ("hub.mode", "subscribe"),
            ("hub.challenge", "1"),
            ("hub.verify_token", "x"),
            ("hub.verify_token", "token"),
        ];
        assert_eq!(ask(&twice), Err(HandshakeError::Malformed));
        assert!(VerifyToken::new("".into()).is_err());
        for text in ["", " ", " token", "token\n", "to\u{0}ken", &"x".repeat(257)] {
            assert!(VerifyToken::parse(text.into()).is_err(), "{text:?}");
        }
        assert!(VerifyToken::parse("ein Wört".into()).is_ok());
    }
}
