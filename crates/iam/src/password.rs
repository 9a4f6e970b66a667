use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use unicode_normalization::UnicodeNormalization;

use crate::common_passwords::is_common;

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
        } else if is_common(&lower_case) {
            Err(InvalidPassword::Common)
        } else {
            password.check_personal(personal)?;
            Ok(password)
        }
    }

    /// For what is known of a person only after the password was read.
    ///
    /// # Errors
    /// [`InvalidPassword::Personal`] if it is one of these texts.
    pub fn check_personal(&self, personal: &[&str]) -> Result<(), InvalidPassword> {
        let lower_case = self.expose().to_lowercase();
        let is = |known: &&str| known.trim().nfc().collect::<String>().to_lowercase() == lower_case;
        if personal.iter().any(is) { Err(InvalidPassword::Personal) } else { Ok(()) }
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
    }

    #[test]
    fn nobody_is_their_own_password() {
        let choose = |text| Password::choose(text, &["Ada@x.example", "Acme Trading"]).unwrap_err();
        assert_eq!(choose("ada@x.example"), InvalidPassword::Personal);
        assert_eq!(choose("acme trading"), InvalidPassword::Personal);
        let late = Password::choose("acme trading", &[]).unwrap();
        assert_eq!(late.check_personal(&[" Acme Trading "]), Err(InvalidPassword::Personal));
        assert_eq!(late.check_personal(&["Acme"]), Ok(()));
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
