//! Ids, numbers, words and times. All ids are indexed, and a Postgres index entry has at most 2,704 bytes.

use chrono::{DateTime, Utc};

use super::error::DecodeError;
use crate::json::Object;

/// Ids of messages, calls and files have less than 200 bytes today.
const MAX_WAMID_BYTES: usize = 512;
/// `US.` and up to 128 characters; `US.ENT.` for a parent's.
const MAX_BSUID_BYTES: usize = 160;
/// E.164 has 15 digits; formatting adds more.
const MAX_PHONE_BYTES: usize = 32;
const MAX_WABA_ID_BYTES: usize = 64;
const MAX_NAME_CHARS: usize = 256;
const MAX_WORD_BYTES: usize = 48;

/// The id of an item.
pub(super) fn own(item: &Object<'_>) -> Result<String, DecodeError> {
    let id = item.text("id").ok_or(DecodeError::NoId)?;
    if id.len() > MAX_WAMID_BYTES { Err(DecodeError::IdTooLong) } else { Ok(id) }
}

/// An optional id.
pub(super) fn any(object: &Object<'_>, key: &str) -> Option<String> {
    short(object, key, MAX_WAMID_BYTES)
}

pub(super) fn waba(object: &Object<'_>, key: &str) -> Option<String> {
    short(object, key, MAX_WABA_ID_BYTES)
}

/// The id of the first key that has a valid one.
pub(super) fn bsuid(object: &Object<'_>, keys: &[&str]) -> Option<String> {
    keys.iter().find_map(|key| short(object, key, MAX_BSUID_BYTES))
}

/// The phone number of the first key that has one, as digits.
pub(super) fn phone(object: &Object<'_>, keys: &[&str]) -> Option<String> {
    keys.iter().find_map(|key| digits(&short(object, key, MAX_PHONE_BYTES)?))
}

/// The digits of a formatted number; `None` if it has letters.
fn digits(number: &str) -> Option<String> {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    (!digits.is_empty() && !number.chars().any(char::is_alphabetic)).then_some(digits)
}

/// A text of at most `max` bytes.
fn short(object: &Object<'_>, key: &str, max: usize) -> Option<String> {
    object.text(key).filter(|id| id.len() <= max)
}

pub(super) fn name(object: &Object<'_>, key: &str) -> Option<String> {
    object.text(key).map(|name| name.chars().take(MAX_NAME_CHARS).collect())
}

/// A user name without `@`; Meta's samples have it both ways.
pub(super) fn username(object: &Object<'_>, key: &str) -> Option<String> {
    let name = object.text(key)?;
    let bare: String = name.trim_start_matches('@').chars().take(MAX_NAME_CHARS).collect();
    (!bare.is_empty()).then_some(bare)
}

/// A keyword of WhatsApp, such as the type of a message.
pub(super) fn word(object: &Object<'_>, key: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    object.text(key).filter(|word| word.len() <= MAX_WORD_BYTES && word.bytes().all(plain))
}

/// A short text.
pub(super) fn label(object: &Object<'_>, key: &str) -> Option<String> {
    object.text(key).map(|word| word.chars().take(MAX_WORD_BYTES).collect())
}

/// A short text in lower case.
pub(super) fn lowered(object: &Object<'_>, key: &str) -> Option<String> {
    label(object, key).map(|word| word.to_ascii_lowercase())
}

/// Seconds since the epoch, as a text or a number.
pub(super) fn time(object: &Object<'_>, key: &str) -> Option<DateTime<Utc>> {
    let seconds: i64 = object.text(key)?.parse().ok()?;
    // Not before WhatsApp existed, and within the range of Postgres.
    (1_200_000_000..100_000_000_000).contains(&seconds).then(|| DateTime::from_timestamp(seconds, 0))?
}

pub(super) fn timestamp(object: &Object<'_>) -> Option<DateTime<Utc>> {
    time(object, "timestamp")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with<T>(json: &str, read: impl Fn(&Object<'_>) -> T) -> T {
        read(&Object::parse(&format!(r#"{{"k":{json}}}"#)).unwrap())
    }

    #[test]
    fn phone_numbers_are_digits() {
        let rows = [
            (r#""15550100""#, Some("15550100")),
            ("15550100", Some("15550100")),
            (r#""+1 (555) 01-00""#, Some("15550100")),
            (r#""""#, None),
            (r#""+""#, None),
            (r#""US.1234""#, None),
            ("null", None),
            ("[1]", None),
        ];
        for (json, expected) in rows {
            assert_eq!(with(json, |object| phone(object, &["absent", "k"])).as_deref(), expected, "{json}");
        }
        assert_eq!(with(&"1".repeat(33), |object| phone(object, &["k"])), None);
    }

    #[test]
    fn times_are_seconds_or_none() {
        let expected = DateTime::from_timestamp(1_800_000_000, 0);
        assert_eq!(with("1800000000", |object| time(object, "k")), expected);
        assert_eq!(with(r#""1800000000""#, |object| time(object, "k")), expected);
        for json in [r#""x""#, "-1", "0", "1e300", "1800000000000", "99999999999999999999", r#""""#, "{}"] {
            assert_eq!(with(json, |object| time(object, "k")), None, "{json}");
        }
    }

    #[test]
    fn ids_too_long_for_an_index_are_none() {
        let long = format!("{:?}", "x".repeat(513));
        assert_eq!(with(&long, |object| any(object, "k")), None);
        assert_eq!(with(&long, |object| bsuid(object, &["k"])), None);
        assert_eq!(with(&long, |object| name(object, "k")).map(|name| name.len()), Some(256));
        assert_eq!(with(&long, |object| word(object, "k")), None);
        assert_eq!(with(&long, |object| lowered(object, "k")).map(|word| word.len()), Some(48));
    }

    #[test]
    fn username_has_no_at_sign() {
        assert_eq!(with(r#""@ada""#, |object| username(object, "k")).as_deref(), Some("ada"));
        assert_eq!(with(r#""ada""#, |object| username(object, "k")).as_deref(), Some("ada"));
        assert_eq!(with(r#""@""#, |object| username(object, "k")), None);
    }
}
