//! Describes serde's errors to clients.

/// A code and a sentence for an error of serde's.
///
/// serde has no error kinds, only texts; these are the ones that the constructors of `serde::de::Error` make, and a test pins
/// them. The invalid value itself is not repeated: it may be a password.
pub(super) struct ValueError {
    pub(super) code: &'static str,
    pub(super) detail: String,
    /// The missing or duplicate field: serde names it in the text, but its path ends above it.
    pub(super) field: Option<String>,
}

pub(super) fn describe_serde_error(error: &str) -> ValueError {
    // serde_json appends the position.
    let error = error.rsplit_once(" at line ").map_or(error, |(error, _)| error);
    let quoted = || error.split('`').nth(1).map(str::to_owned);
    let describe = |code, detail: &str| ValueError { code, detail: detail.to_owned(), field: None };
    if error.starts_with("missing field") {
        ValueError { field: quoted(), ..describe("missing", "is required") }
    } else if error.starts_with("unknown field") {
        describe("unknown", "there is no such field")
    } else if error.starts_with("duplicate field") {
        ValueError { field: quoted(), ..describe("duplicate", "is given twice") }
    } else if let Some((_, expected)) = error.split_once(", expected ") {
        describe("invalid", &format!("expected {expected}"))
    } else {
        describe("invalid", error)
    }
}

#[cfg(test)]
mod tests {
    use serde::de::{Error as _, Unexpected};

    use super::*;

    /// A new release of serde with other texts must fail here, not silently change the codes of problems.
    #[test]
    fn texts_of_serde_are_recognized() {
        type Error = serde_json::Error;
        for (error, code, detail, field) in [
            (Error::missing_field("name"), "missing", "is required", Some("name")),
            (Error::duplicate_field("name"), "duplicate", "is given twice", Some("name")),
            (Error::unknown_field("nmae", &["name", "age"]), "unknown", "there is no such field", None),
            (Error::unknown_field("nmae", &[]), "unknown", "there is no such field", None),
            (Error::invalid_type(Unexpected::Str("hunter2"), &"a number"), "invalid", "expected a number", None),
            (Error::invalid_value(Unexpected::Signed(300), &"u8"), "invalid", "expected u8", None),
            (Error::invalid_length(3, &"2 items"), "invalid", "expected 2 items", None),
            (Error::unknown_variant("ajar", &["open", "closed"]), "invalid", "expected `open` or `closed`", None),
            (Error::custom("must be a date"), "invalid", "must be a date", None),
        ] {
            let described = describe_serde_error(&error.to_string());
            assert_eq!(described.code, code, "{error}");
            assert_eq!((described.detail.as_str(), described.field.as_deref()), (detail, field), "{error}");
        }
    }

    #[test]
    fn position_is_removed() {
        let error = serde_json::from_str::<u8>("\n \"x\"").unwrap_err();
        assert_eq!(describe_serde_error(&error.to_string()).detail, "expected u8");
    }
}
