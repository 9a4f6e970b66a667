use serde_json::value::{RawValue, to_raw_value};

/// Stored JSON, byte for byte: numbers and repeated keys are kept. Invalid JSON becomes a string, so that one bad row
/// does not fail a whole list.
pub(crate) fn raw_json(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).or_else(|_| to_raw_value(json)).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_json_is_returned_unchanged() {
        let json = r#"{"n": 1.0e2, "n": 12345678901234567890, "t": "\ud83d\u0000"}"#;
        assert_eq!(raw_json(json).get(), json);
        assert_eq!(raw_json("{").get(), r#""{""#);
    }
}
