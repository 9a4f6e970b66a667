//! Lenient JSON parsing. Values stay slices of the bytes that Meta sent.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of a JSON object as slices. Of a repeated key the last value counts, as in most parsers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Object<'a> {
    pub(crate) fn parse(json: &'a str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    pub(crate) fn get(&self, key: &str) -> Option<&'a RawValue> {
        self.0.iter().rev().find(|(name, _)| name == key).map(|(_, value)| *value)
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), *value))
    }

    /// A string, or a number as its digits; `None` if empty. Senders use both for ids.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        self.get(key).and_then(text).filter(|text| !text.is_empty())
    }

    pub(crate) fn object(&self, key: &str) -> Option<Object<'a>> {
        self.get(key).and_then(|value| Object::parse(value.get()))
    }

    /// The items of an array; empty if it is not an array.
    pub(crate) fn array(&self, key: &str) -> Vec<&'a RawValue> {
        self.get(key).and_then(items).unwrap_or_default()
    }

    pub(crate) fn objects(&self, key: &str) -> Vec<Object<'a>> {
        self.array(key).into_iter().filter_map(|value| Object::parse(value.get())).collect()
    }

    pub(crate) fn is_true(&self, key: &str) -> bool {
        self.get(key).is_some_and(|value| value.get() == "true")
    }
}

/// The items of an array.
pub(crate) fn items(value: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(value.get()).ok()
}

/// The text of a string or number. Postgres stores neither NUL nor lone surrogates: both become U+FFFD.
pub(crate) fn text(value: &RawValue) -> Option<String> {
    let json = value.get();
    match json.as_bytes().first()? {
        b'"' => {
            let text = serde_json::from_str::<String>(json).unwrap_or_else(|_| unescape_lossy(json));
            Some(text.replace('\0', "\u{fffd}"))
        }
        b'-' | b'0'..=b'9' => Some(json.to_owned()),
        _ => None,
    }
}

/// Parses a string with lone surrogates, which `serde_json` refuses. The string is otherwise valid.
fn unescape_lossy(json: &str) -> String {
    let mut units: Vec<u16> = Vec::with_capacity(json.len());
    let mut chars = json[1..json.len().saturating_sub(1)].chars();
    while let Some(c) = chars.next() {
        let unescaped = match c {
            '\\' => match chars.next() {
                Some('u') => {
                    let digits: String = chars.by_ref().take(4).collect();
                    units.push(u16::from_str_radix(&digits, 16).unwrap_or(0xFFFD));
                    continue;
                }
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some('b') => '\u{8}',
                Some('f') => '\u{c}',
                Some(other) => other,
                None => break,
            },
            other => other,
        };
        units.extend_from_slice(unescaped.encode_utf16(&mut [0; 2]));
    }
    String::from_utf16_lossy(&units)
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Object<'de>, M::Error> {
                let mut members = Vec::new();
                while let Some(Key(key)) = map.next_key()? {
                    members.push((key, map.next_value()?));
                }
                Ok(Object(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

/// A key, borrowed if it has no escapes. Parsed as a slice first, so that a lone surrogate in one key does not fail the object.
struct Key<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        let bare = raw.get().strip_prefix('"').and_then(|key| key.strip_suffix('"')).filter(|key| !key.contains('\\'));
        Ok(Self(bare.map_or_else(|| Cow::Owned(text(raw).unwrap_or_default()), Cow::Borrowed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_read_leniently() {
        let object = Object::parse(r#"{"a":"x","n":17,"a":"last","e":"","o":{"k":true},"l":[1,{}]}"#).unwrap();
        assert_eq!(object.text("a").as_deref(), Some("last"));
        assert_eq!(object.text("n").as_deref(), Some("17"));
        assert_eq!(object.text("e"), None);
        assert_eq!(object.text("o"), None);
        assert!(object.object("o").unwrap().is_true("k"));
        assert_eq!((object.array("l").len(), object.objects("l").len(), object.array("a").len()), (2, 1, 0));
    }

    #[test]
    fn characters_refused_by_postgres_are_replaced() {
        let text = |json: &str| Object::parse(&format!(r#"{{"k":{json}}}"#)).unwrap().text("k");
        assert_eq!(text(r#""a\u0000b""#).as_deref(), Some("a\u{fffd}b"));
        assert_eq!(text(r#""\ud83d\ude00 \ud83d x\n\"\/\\""#).as_deref(), Some("😀 \u{fffd} x\n\"/\\"));
    }

    #[test]
    fn broken_key_keeps_the_other_members() {
        let object = Object::parse(r#"{"\ud800":1,"\u0061":"x","b\u0000":2}"#).unwrap();
        let keys: Vec<&str> = object.members().map(|(key, _)| key).collect();
        assert_eq!(keys, ["\u{fffd}", "a", "b\u{fffd}"]);
    }

    #[test]
    fn deep_nesting_stays_a_slice() {
        let deep = format!(r#"{{"deep":{}{},"k":"v"}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(Object::parse(&deep).unwrap().text("k").as_deref(), Some("v"));
    }
}
