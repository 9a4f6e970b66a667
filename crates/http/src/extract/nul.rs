//! Refuses the character U+0000 in what clients send: Postgres stores it neither in `text` nor in `jsonb`.

use serde_json::Value;

/// What is wrong with a text that has the character.
pub(super) const NUL_DETAIL: &str = "must not contain the character U+0000";

/// JSON has the character only as this escape: in itself it is a syntax error.
const ESCAPE: &[u8] = br"\u0000";

pub(super) fn has_nul(text: &str) -> bool {
    text.contains('\0')
}

/// The JSON pointer (RFC 6901) of the first text in a JSON document that has the character, be it a value or a name. `None` also
/// for what is no JSON.
pub(super) fn pointer_to_nul(json: &[u8]) -> Option<String> {
    // Almost no body has the escape, so almost none is parsed twice.
    json.windows(ESCAPE.len()).any(|bytes| bytes == ESCAPE).then_some(())?;
    let mut pointer = String::new();
    find(&serde_json::from_slice(json).ok()?, &mut pointer).then_some(pointer)
}

/// Whether a value has the character; if so, `pointer` leads to it.
fn find(value: &Value, pointer: &mut String) -> bool {
    let length = pointer.len();
    let mut find_at = |step: &str, value: &Value| {
        pointer.truncate(length);
        pointer.push('/');
        pointer.push_str(step);
        has_nul(step) || find(value, pointer)
    };
    match value {
        Value::String(text) => has_nul(text),
        Value::Array(values) => values.iter().enumerate().any(|(index, value)| find_at(&index.to_string(), value)),
        Value::Object(members) => members.iter().any(|(name, value)| find_at(&escape(name), value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A name as a step of a JSON pointer (RFC 6901, section 3).
pub(super) fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_text_with_nul_is_found() {
        for (json, pointer) in [
            (r#"{"a":"x"}"#, None),
            // An escaped backslash, and digits.
            (r#"{"a":"\\u0000"}"#, None),
            (r#"{"a":"\u0000"}"#, Some("/a")),
            (r#"{"a":"\\\u0000"}"#, Some("/a")),
            (r#"{"a":{"b/c":["x","y\u0000"]},"d":"\u0000"}"#, Some("/a/b~1c/1")),
            (r#"{"a":[],"b\u0000":1}"#, Some("/b\0")),
            (r#"["\u0000"]"#, Some("/0")),
            (r#""\u0000""#, Some("")),
            (r#"{"a":"\u0000""#, None),
        ] {
            assert_eq!(pointer_to_nul(json.as_bytes()).as_deref(), pointer, "{json}");
        }
    }
}
