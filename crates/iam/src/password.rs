use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use unicode_normalization::UnicodeNormalization;

use crate::common_passwords::is_common;

/// A password to set or to verify. Normalized to NFC, so that keyboards that compose accents differently agree (RFC 8265,
/// section 4.2); never truncated.
pub struct Password(SecretString);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPassword {
    #[error("must have at least {} characters", Password::MIN_CHARS)]
    TooShort,
    #[error("must have at most {} characters and {} bytes", Password::MAX_CHARS, Password::MAX_BYTES)]
    TooLong,
    #[error("is one of the most common passwords")]
    Common,
    #[error("is the email address or the name of the tenant")]
    Personal,
}

impl Password {
    pub const MIN_CHARS: usize = 8;
    pub const MAX_CHARS: usize = 256;
    pub const MAX_BYTES: usize = 1_024;

    /// A password that a user wants to set. `personal` are texts that identify the user, such as their email address.
    ///
    /// # Errors
    /// [`InvalidPassword`], with the violated rule.
    pub fn for_new(text: &str, personal: &[&str]) -> Result<Self, InvalidPassword> {
        let password = Self::for_login(text)?;
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

    /// Checks texts that identify the user and are known only after [`Self::for_new`].
    ///
    /// # Errors
    /// [`InvalidPassword::Personal`] if it is one of these texts.
    pub fn check_personal(&self, personal: &[&str]) -> Result<(), InvalidPassword> {
        let lower_case = self.expose().to_lowercase();
        let is = |known: &&str| known.trim().nfc().collect::<String>().to_lowercase() == lower_case;
        if personal.iter().any(is) { Err(InvalidPassword::Personal) } else { Ok(()) }
    }

    /// A password that a user logs in with. Only the upper bound is checked, since the rules may have changed since the password
    /// was set.
    ///
    /// # Errors
    /// [`InvalidPassword::TooLong`].
    pub fn for_login(text: &str) -> Result<Self, InvalidPassword> {
        if text.len() > Self::MAX_BYTES {
            return Err(InvalidPassword::TooLong);
        }
        let normalized: String = text.nfc().collect();
        if normalized.len() > Self::MAX_BYTES || normalized.chars().count() > Self::MAX_CHARS {
            return Err(InvalidPassword::TooLong);
        }
        Ok(Self(normalized.into()))
    }

    /// A password that no user can have, so that a login with an invalid password does the same work as any other.
    #[must_use]
    pub fn placeholder() -> Self {
        Self(SecretString::default())
    }

    /// The password itself, for hashing.
    #[must_use]
    pub fn expose(&self) -> &str {
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
    fn password_length_is_bounded_in_characters_and_bytes() {
        assert_eq!(Password::for_new("short 7", &[]).unwrap_err(), InvalidPassword::TooShort);
        assert!(Password::for_new("ünïcödé!", &[]).is_ok());
        assert_eq!(Password::for_new(&"a".repeat(257), &[]).unwrap_err(), InvalidPassword::TooLong);
        assert_eq!(Password::for_new(&"😀".repeat(257), &[]).unwrap_err(), InvalidPassword::TooLong);
        assert!(Password::for_new(&"ab".repeat(128), &[]).is_ok());
    }

    #[test]
    fn common_password_is_refused_when_set_but_not_at_login() {
        assert_eq!(Password::for_new("PassWord123", &[]).unwrap_err(), InvalidPassword::Common);
        assert!(Password::for_login("password").is_ok());
    }

    #[test]
    fn personal_text_is_refused_as_password() {
        let choose = |text| Password::for_new(text, &["Ada@x.example", "Acme Trading"]).unwrap_err();
        assert_eq!(choose("ada@x.example"), InvalidPassword::Personal);
        assert_eq!(choose("acme trading"), InvalidPassword::Personal);
        let late = Password::for_new("acme trading", &[]).unwrap();
        assert_eq!(late.check_personal(&[" Acme Trading "]), Err(InvalidPassword::Personal));
        assert_eq!(late.check_personal(&["Acme"]), Ok(()));
    }

    #[test]
    fn password_is_normalized_to_nfc() {
        assert_eq!(Password::for_new("cafe\u{301} au lait", &[]).unwrap().expose(), "café au lait");
    }

    #[test]
    fn debug_hides_password() {
        assert_eq!(format!("{:?}", Password::for_new("correct horse", &[]).unwrap()), "Password(***)");
    }
}
