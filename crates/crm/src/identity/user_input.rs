//! Identities entered by a user. User ids come from WhatsApp only: a user knows neither their values nor their scopes.

use super::{IdentityKey, IdentityKind};

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidIdentityInput {
    /// E.164 has at most 15 digits, the country's code among them.
    #[error("must be a phone number with its country's code, of 7 to 15 digits")]
    Phone,
    #[error("must be a user name of 1 to 64 characters without white space")]
    Username,
    #[error("must be phone or username; other kinds are set by WhatsApp")]
    Kind,
}

impl IdentityKey {
    /// Validates an identity entered by a user.
    ///
    /// # Errors
    /// [`InvalidIdentityInput`].
    pub fn from_user_input(kind: IdentityKind, value: &str) -> Result<Self, InvalidIdentityInput> {
        match kind {
            IdentityKind::Phone => phone(value).ok_or(InvalidIdentityInput::Phone),
            IdentityKind::Username => username(value).ok_or(InvalidIdentityInput::Username),
            IdentityKind::Bsuid | IdentityKind::ParentBsuid => Err(InvalidIdentityInput::Kind),
        }
    }
}

fn phone(value: &str) -> Option<IdentityKey> {
    let number = value.trim();
    let number = number.strip_prefix('+').unwrap_or(number);
    let is_allowed = |c: char| c.is_ascii_digit() || matches!(c, ' ' | '-' | '.' | '(' | ')' | '/' | '\u{a0}');
    let key = Some(number).filter(|number| number.chars().all(is_allowed)).and_then(IdentityKey::phone)?;
    // No country code begins with a zero: such a number lacks the code.
    let is_valid = (7..=15).contains(&key.value.len()) && !key.value.starts_with('0');
    is_valid.then_some(key)
}

fn username(value: &str) -> Option<IdentityKey> {
    let name = value.trim();
    let name = name.strip_prefix('@').unwrap_or(name);
    let is_valid =
        (1..=64).contains(&name.chars().count()) && !name.chars().any(|c| c.is_control() || c.is_whitespace());
    is_valid.then(|| IdentityKey::username(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phone_with_punctuation_is_reduced_to_digits() {
        for written in ["+49 (151) 234-567.89", "4915123456789", " 49/151/23456789 "] {
            let key = IdentityKey::from_user_input(IdentityKind::Phone, written).unwrap();
            assert_eq!((key.kind, key.scope.as_str(), key.value.as_str()), (IdentityKind::Phone, "", "4915123456789"));
        }
        for wrong in [
            "",
            "+",
            "123456",
            "1234567890123456",
            "0151 2345678",
            "+49 151 CALL ME",
            "++4915123456",
            "４９１５１２３４５６",
        ] {
            assert_eq!(
                IdentityKey::from_user_input(IdentityKind::Phone, wrong),
                Err(InvalidIdentityInput::Phone),
                "{wrong}"
            );
        }
    }

    #[test]
    fn username_loses_its_leading_at_sign() {
        let key = IdentityKey::from_user_input(IdentityKind::Username, "@amazing.grace").unwrap();
        assert_eq!(key, IdentityKey::username("amazing.grace"));
        for wrong in ["", "@", "amazing grace", "nul\0", &"x".repeat(65)] {
            assert_eq!(
                IdentityKey::from_user_input(IdentityKind::Username, wrong),
                Err(InvalidIdentityInput::Username),
                "{wrong}"
            );
        }
    }

    #[test]
    fn user_id_entered_by_a_user_is_rejected() {
        for kind in [IdentityKind::Bsuid, IdentityKind::ParentBsuid] {
            assert_eq!(IdentityKey::from_user_input(kind, "US.1"), Err(InvalidIdentityInput::Kind));
        }
    }
}
