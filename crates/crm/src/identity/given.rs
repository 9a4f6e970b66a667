//! Identities that a user types in. User ids are WhatsApp's to give: nobody can know one, or in which scope it is unique.

use super::{IdentityKey, IdentityKind};

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidIdentity {
    /// E.164 has at most 15 digits, the country's code among them.
    #[error("must be a phone number with its country's code, of 7 to 15 digits")]
    Phone,
    #[error("must be a user name of 1 to 64 characters without white space")]
    Username,
    #[error("is given by WhatsApp only")]
    Kind,
}

impl IdentityKey {
    /// What a user says that a contact is known by.
    ///
    /// # Errors
    /// [`InvalidIdentity`].
    pub fn given(kind: IdentityKind, value: &str) -> Result<Self, InvalidIdentity> {
        match kind {
            IdentityKind::Phone => phone(value).ok_or(InvalidIdentity::Phone),
            IdentityKind::Username => username(value).ok_or(InvalidIdentity::Username),
            IdentityKind::Bsuid | IdentityKind::ParentBsuid => Err(InvalidIdentity::Kind),
        }
    }
}

fn phone(value: &str) -> Option<IdentityKey> {
    let number = value.trim();
    let number = number.strip_prefix('+').unwrap_or(number);
    let written_so = |c: char| c.is_ascii_digit() || matches!(c, ' ' | '-' | '.' | '(' | ')' | '/' | '\u{a0}');
    let key = Some(number).filter(|number| number.chars().all(written_so)).and_then(IdentityKey::phone)?;
    // No country's code begins with a zero: that is a number without one.
    let sane = (7..=15).contains(&key.value.len()) && !key.value.starts_with('0');
    sane.then_some(key)
}

fn username(value: &str) -> Option<IdentityKey> {
    let name = value.trim();
    let name = name.strip_prefix('@').unwrap_or(name);
    let sane = (1..=64).contains(&name.chars().count()) && !name.chars().any(|c| c.is_control() || c.is_whitespace());
    sane.then(|| IdentityKey::username(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_are_digits_however_they_are_written() {
        for written in ["+49 (151) 234-567.89", "4915123456789", " 49/151/23456789 "] {
            let key = IdentityKey::given(IdentityKind::Phone, written).unwrap();
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
            assert_eq!(IdentityKey::given(IdentityKind::Phone, wrong), Err(InvalidIdentity::Phone), "{wrong}");
        }
    }

    #[test]
    fn user_names_lose_their_at() {
        let key = IdentityKey::given(IdentityKind::Username, "@amazing.grace").unwrap();
        assert_eq!(key, IdentityKey::username("amazing.grace"));
        for wrong in ["", "@", "amazing grace", "nul\0", &"x".repeat(65)] {
            assert_eq!(IdentityKey::given(IdentityKind::Username, wrong), Err(InvalidIdentity::Username), "{wrong}");
        }
    }

    #[test]
    fn user_ids_are_not_given_by_hand() {
        for kind in [IdentityKind::Bsuid, IdentityKind::ParentBsuid] {
            assert_eq!(IdentityKey::given(kind, "US.1"), Err(InvalidIdentity::Kind));
        }
    }
}
