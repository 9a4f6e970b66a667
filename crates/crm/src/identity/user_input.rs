//! Identities entered by a user. User ids come from WhatsApp only: a user knows neither their values nor their scopes.

use super::{IdentityKey, IdentityKind, NumberInput, NumberWithoutCountry, PhoneCountry};

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidIdentityInput {
    /// E.164 has at most 15 digits, the country's code among them.
    #[error("must be a phone number of 7 to 15 digits with its country's code, or of the country of your own numbers")]
    Phone,
    #[error("must be a user name of 1 to 64 characters without white space")]
    Username,
    #[error("must be phone or username; other kinds are set by WhatsApp")]
    Kind,
}

/// An identity entered by a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GivenIdentity {
    Key(IdentityKey),
    /// A number of one of the countries in which the tenant has numbers.
    NationalNumber(NumberWithoutCountry),
}

impl GivenIdentity {
    /// Validates an identity entered by a user.
    ///
    /// # Errors
    /// [`InvalidIdentityInput`].
    pub fn parse(kind: IdentityKind, value: &str) -> Result<Self, InvalidIdentityInput> {
        match kind {
            IdentityKind::Phone => phone(value).ok_or(InvalidIdentityInput::Phone),
            IdentityKind::Username => username(value).map(Self::Key).ok_or(InvalidIdentityInput::Username),
            IdentityKind::Bsuid | IdentityKind::ParentBsuid => Err(InvalidIdentityInput::Kind),
        }
    }

    /// The key, of a number without a country's code in the only one of these countries that has it.
    ///
    /// # Errors
    /// [`InvalidIdentityInput::Phone`] if none has it, or several do.
    pub fn into_key(self, countries: &[PhoneCountry]) -> Result<IdentityKey, InvalidIdentityInput> {
        match self {
            Self::Key(key) => Ok(key),
            Self::NationalNumber(number) => {
                let digits = number.in_one_of(countries).ok_or(InvalidIdentityInput::Phone)?;
                IdentityKey::phone(&digits).ok_or(InvalidIdentityInput::Phone)
            }
        }
    }
}

fn phone(value: &str) -> Option<GivenIdentity> {
    match NumberInput::parse(value)? {
        NumberInput::International(digits) => IdentityKey::phone(&digits).map(GivenIdentity::Key),
        NumberInput::National(number) => Some(GivenIdentity::NationalNumber(number)),
    }
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
    fn number_without_country_code_is_of_the_tenants_country() {
        let given = |value: &str| GivenIdentity::parse(IdentityKind::Phone, value);
        let key = IdentityKey::phone("4915123456789").unwrap();
        assert_eq!(given("+49 (151) 234-567.89"), Ok(GivenIdentity::Key(key.clone())));
        let national = given("0151 23456789").unwrap();
        assert_eq!(national.clone().into_key(&[PhoneCountry::of_number("+49 30 901820").unwrap()]), Ok(key));
        assert_eq!(national.into_key(&[]), Err(InvalidIdentityInput::Phone));
        assert_eq!(given("call me"), Err(InvalidIdentityInput::Phone));
    }

    #[test]
    fn username_loses_its_leading_at_sign() {
        let key = GivenIdentity::parse(IdentityKind::Username, "@amazing.grace").unwrap();
        assert_eq!(key, GivenIdentity::Key(IdentityKey::username("amazing.grace")));
        for wrong in ["", "@", "amazing grace", "nul\0", &"x".repeat(65)] {
            assert_eq!(
                GivenIdentity::parse(IdentityKind::Username, wrong),
                Err(InvalidIdentityInput::Username),
                "{wrong}"
            );
        }
    }

    #[test]
    fn user_id_entered_by_a_user_is_rejected() {
        for kind in [IdentityKind::Bsuid, IdentityKind::ParentBsuid] {
            assert_eq!(GivenIdentity::parse(kind, "US.1"), Err(InvalidIdentityInput::Kind));
        }
    }
}
