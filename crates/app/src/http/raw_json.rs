use serde_json::value::{RawValue, to_raw_value};

/// The stored JSON as it is: numbers and repeated keys stay what they were. Should it be no JSON after all, it is shown as
/// a string, for one bad row must not hide a whole list.
pub(crate) fn raw_json(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).or_else(|_| to_raw_value(json)).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_stay_as_they_are() {
        let json = r#"{"n": 1.0e2, "n": 12345678901234567890, "t": "\ud83d\u0000"}"#;
        assert_eq!(raw_json(json).get(), json);
        assert_eq!(raw_json("{").get(), r#""{""#);
    }
}
