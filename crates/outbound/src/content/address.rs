use serde_json::{Map, Value, json};
use thiserror::Error;

/// E.164: a country code and the number, at most 15 digits. No country has numbers of fewer than 7.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;
/// `US.` and up to 128 characters; `US.ENT.` for a parent's.
const MAX_BSUID_BYTES: usize = 160;
const MAX_GROUP_ID_BYTES: usize = 512;

/// To whom a message goes.
///
/// Meta takes each kind in a field of its own: a BSUID in `to` is accepted, gets an id, and is never delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// `+` and the digits of E.164. Without the `+`, Meta puts the sender's country code in front.
    Phone(String),
    /// A person's id for this business, or for its parent.
    Bsuid(String),
    /// Meta's id of a group.
    Group(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidAddress {
    #[error("expected a phone number with + and country code, such as +4915112345678")]
    Phone,
    #[error("expected a business-scoped user id, such as US.13491208655302741918")]
    Bsuid,
    #[error("expected the id of a group")]
    Group,
}

impl Address {
    /// A number with or without its `+`, but with its country code.
    ///
    /// # Errors
    ///
    /// If it is not 7 to 15 digits, or begins with 0.
    pub fn phone(number: &str) -> Result<Self, InvalidAddress> {
        let digits = number.strip_prefix('+').unwrap_or(number);
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
        if plain && PHONE_DIGITS.contains(&digits.len()) {
            Ok(Self::Phone(format!("+{digits}")))
        } else {
            Err(InvalidAddress::Phone)
        }
    }

    /// # Errors
    ///
    /// If it is not two letters of a country, a point, and letters, digits or points.
    pub fn bsuid(id: &str) -> Result<Self, InvalidAddress> {
        let well_formed = id.split_once('.').is_some_and(|(country, rest)| {
            country.len() == 2
                && country.bytes().all(|byte| byte.is_ascii_uppercase())
                && !rest.is_empty()
                && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
        });
        if well_formed && id.len() <= MAX_BSUID_BYTES {
            Ok(Self::Bsuid(id.to_owned()))
        } else {
            Err(InvalidAddress::Bsuid)
        }
    }

    /// # Errors
    ///
    /// If it is empty, too long, or has blanks or control characters.
    pub fn group(id: &str) -> Result<Self, InvalidAddress> {
        let plain = !id.is_empty() && id.len() <= MAX_GROUP_ID_BYTES && id.bytes().all(|byte| byte.is_ascii_graphic());
        if plain { Ok(Self::Group(id.to_owned())) } else { Err(InvalidAddress::Group) }
    }

    /// The members of Meta's JSON that say to whom a message goes.
    #[must_use]
    pub fn to_meta(&self) -> Map<String, Value> {
        let (field, value, recipient_type) = match self {
            Self::Phone(number) => ("to", number, "individual"),
            Self::Bsuid(id) => ("recipient", id, "individual"),
            Self::Group(id) => ("to", id, "group"),
        };
        Map::from_iter([(field.to_owned(), json!(value)), ("recipient_type".to_owned(), json!(recipient_type))])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phone_always_has_its_plus() {
        for number in ["4915112345678", "+4915112345678"] {
            assert_eq!(Address::phone(number), Ok(Address::Phone("+4915112345678".to_owned())));
        }
        for number in ["", "+", "015112345678", "+49 151 1234567", "++49151123456", "US.1349120", "1234567890123456"] {
            assert_eq!(Address::phone(number), Err(InvalidAddress::Phone), "{number}");
        }
    }

    #[test]
    fn bsuid_is_never_sent_in_to() {
        for id in ["US.13491208655302741918", "DE.ENT.AbC9"] {
            let meta = Address::bsuid(id).unwrap().to_meta();
            assert_eq!(Value::Object(meta), json!({"recipient": id, "recipient_type": "individual"}));
        }
        for id in ["", "US.", "us.1349", "+4915112345678", "USA.1", "US.a b", "US"] {
            assert_eq!(Address::bsuid(id), Err(InvalidAddress::Bsuid), "{id}");
        }
        assert_eq!(Address::bsuid(&format!("US.{}", "1".repeat(158))), Err(InvalidAddress::Bsuid));
    }

    #[test]
    fn group_names_its_recipient_type() {
        let meta = Address::group("Y2FwaV9ncm91cDox").unwrap().to_meta();
        assert_eq!(Value::Object(meta), json!({"to": "Y2FwaV9ncm91cDox", "recipient_type": "group"}));
        assert_eq!(Address::group("a b"), Err(InvalidAddress::Group));
        let phone = Address::phone("+4915112345678").unwrap().to_meta();
        assert_eq!(Value::Object(phone), json!({"to": "+4915112345678", "recipient_type": "individual"}));
    }
}
