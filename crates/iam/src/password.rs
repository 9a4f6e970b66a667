use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use unicode_normalization::UnicodeNormalization;

/// A password that may be set or tried. Brought to NFC, so that two keyboards that compose accents differently agree
/// (RFC 8265, section 4.2); never truncated.
pub struct Password(SecretString);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPassword {
    #[error("must have at least {} characters", Password::MIN_CHARS)]
    TooShort,
    #[error("must have at most {} characters and {} bytes", Password::MAX_CHARS, Password::MAX_BYTES)]
    TooLong,
    #[error("is one of the passwords that are tried first")]
    Common,
    #[error("is the email address or the name of the tenant")]
    Personal,
}

/// Tried first by everyone who guesses; each is at least 8 characters long, as shorter ones are refused anyway.
const COMMON: [&str; 48] = [
    "00000000",
    "11111111",
    "12121212",
    "123123123",
    "12341234",
    "12344321",
    "12345678",
    "123456789",
    "1234567890",
    "1q2w3e4r",
    "1q2w3e4r5t",
    "1qaz2wsx",
    "22222222",
    "66666666",
    "77777777",
    "87654321",
    "88888888",
    "987654321",
    "99999999",
    "a1234567",
    "aa123456",
    "abc12345",
    "abcd1234",
    "admin123",
    "administrator",
    "asdfasdf",
    "asdfghjkl",
    "baseball",
    "changeme",
    "computer",
    "dragon123",
    "football",
    "iloveyou",
    "internet",
    "letmein1",
    "michelle",
    "password",
    "password1",
    "password12",
    "password123",
    "princess",
    "q1w2e3r4",
    "qwer1234",
    "qwerty123",
    "qwertyui",
    "qwertyuiop",
    "sunshine",
    "trustno1",
];

impl Password {
    pub const MIN_CHARS: usize = 8;
    pub const MAX_CHARS: usize = 256;
    pub const MAX_BYTES: usize = 1_024;

    /// A password that somebody wants to set, who is known by the `personal` texts.
    ///
    /// # Errors
    /// [`InvalidPassword`], with the rule it breaks.
    pub fn choose(text: &str, personal: &[&str]) -> Result<Self, InvalidPassword> {
        let password = Self::attempt(text)?;
        let lower_case = password.expose().to_lowercase();
        if password.expose().chars().count() < Self::MIN_CHARS {
            Err(InvalidPassword::TooShort)
        } else if COMMON.contains(&lower_case.as_str()) {
            Err(InvalidPassword::Common)
        } else if personal.iter().any(|known| known.to_lowercase() == lower_case) {
            Err(InvalidPassword::Personal)
        } else {
            Ok(password)
        }
    }

    /// A password that somebody logs in with: only the upper bound is checked, as rules may have changed since it was
    /// chosen.
    ///
    /// # Errors
    /// [`InvalidPassword::TooLong`].
    pub fn attempt(text: &str) -> Result<Self, InvalidPassword> {
        if text.len() > Self::MAX_BYTES {
            return Err(InvalidPassword::TooLong);
        }
        let normalized: String = text.nfc().collect();
        if normalized.len() > Self::MAX_BYTES || normalized.chars().count() > Self::MAX_CHARS {
            return Err(InvalidPassword::TooLong);
        }
        Ok(Self(normalized.into()))
    }

    /// A password that nobody can have chosen: for work that must look like any other.
    #[must_use]
    pub fn of_nobody() -> Self {
        Self(SecretString::default())
    }

    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_count_characters_and_bytes() {
        assert_eq!(Password::choose("short 7", &[]).unwrap_err(), InvalidPassword::TooShort);
        assert!(Password::choose("ünïcödé!", &[]).is_ok());
        assert_eq!(Password::choose(&"a".repeat(257), &[]).unwrap_err(), InvalidPassword::TooLong);
        assert_eq!(Password::choose(&"😀".repeat(257), &[]).unwrap_err(), InvalidPassword::TooLong);
        assert!(Password::choose(&"ab".repeat(128), &[]).is_ok());
    }

    #[test]
    fn the_first_guesses_are_refused_when_chosen_and_tried_when_logging_in() {
        assert_eq!(Password::choose("PassWord123", &[]).unwrap_err(), InvalidPassword::Common);
        assert!(Password::attempt("password").is_ok());
        assert!(COMMON.is_sorted());
    }

    #[test]
    fn nobody_is_their_own_password() {
        let choose = |text| Password::choose(text, &["Ada@x.example", "Acme Trading"]).unwrap_err();
        assert_eq!(choose("ada@x.example"), InvalidPassword::Personal);
        assert_eq!(choose("acme trading"), InvalidPassword::Personal);
    }

    #[test]
    fn spelling_of_accents_does_not_matter() {
        assert_eq!(Password::choose("cafe\u{301} au lait", &[]).unwrap().expose(), "café au lait");
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Password::choose("correct horse", &[]).unwrap()), "Password(***)");
    }
}
