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
        describe("invalid", &format!("expected {}", in_terms_of_json(expected)))
    } else {
        describe("invalid", &in_words(error))
    }
}

const UUID: &str = "a UUID, such as 0190b5a2-7e2f-7000-8000-000000000000";
const TIME: &str = "a time with its offset, such as 2026-01-31T09:30:00Z";

/// What was expected, without names of Rust's types.
fn in_terms_of_json(expected: &str) -> &str {
    let first_word = expected.split_once(' ').map_or(expected, |(word, _)| word);
    match first_word {
        "struct" | "map" => "an object",
        "tuple" | "sequence" => "an array",
        "enum" | "unit" | "variant" => "one of the documented values",
        "option" => "a value or null",
        "i8" => "a whole number from -128 to 127",
        "i16" => "a whole number from -32768 to 32767",
        "i32" => "a whole number from -2147483648 to 2147483647",
        "i64" | "i128" | "isize" => "a whole number",
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "u128" | "usize" => "a whole number, 0 or more",
        "f32" | "f64" => "a number",
        _ => match expected {
            "a tuple of size 2" => "an array of 2 values",
            "a map" => "an object",
            "a sequence" => "an array",
            "a borrowed string" | "a character" | "str" => "a string",
            "a boolean" => "true or false",
            "any valid JSON value" => "JSON",
            "a formatted UUID string" => UUID,
            "an RFC 3339 formatted date and time string" | "a formatted date and time string or a unix timestamp" => {
                TIME
            }
            "a formatted date string" => "a date, such as 2026-01-31",
            _ if expected.starts_with("a nonzero") => "a whole number, 1 or more",
            _ => expected,
        },
    }
}

const ONE_OF_DOCUMENTED: &str = "expected one of the documented values";

/// What a library says about a value that it cannot parse, in words that say what is wanted.
fn in_words(error: &str) -> String {
    // Errors of `uuid`, and of `chrono`.
    if error.starts_with("UUID parsing failed") || error.starts_with("invalid UUID") {
        return format!("expected {UUID}");
    }
    let words = match error {
        // serde_json calls it an error of syntax if an enum is given as a number.
        "expected value" => ONE_OF_DOCUMENTED,
        "input contains invalid characters"
        | "premature end of input"
        | "trailing input"
        | "input is out of range"
        | "input is not enough for unique date and time"
        | "no possible date and time matching input" => return format!("expected {TIME}"),
        "invalid digit found in string" | "cannot parse integer from empty string" => "expected a whole number",
        "number too large to fit in target type" => "the number is too large",
        "number too small to fit in target type" => "the number is too small",
        "provided string was not `true` or `false`" => "expected true or false",
        _ => error,
    };
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, NaiveDate, Utc};
    use serde::Deserialize;
    use serde::de::{Error as _, Unexpected};
    use uuid::Uuid;

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
            (Error::invalid_length(3, &"2 items"), "invalid", "expected 2 items", None),
            (Error::unknown_variant("ajar", &["open", "closed"]), "invalid", "expected `open` or `closed`", None),
            (Error::custom("must be a date"), "invalid", "must be a date", None),
        ] {
            let described = describe_serde_error(&error.to_string());
            assert_eq!(described.code, code, "{error}");
            assert_eq!((described.detail.as_str(), described.field.as_deref()), (detail, field), "{error}");
        }
    }

    #[derive(Debug, Deserialize)]
    struct Body {
        #[serde(rename = "name")]
        _name: Option<String>,
    }

    #[derive(Debug, Deserialize)]
    enum Kind {
        Open,
    }

    fn detail_of<T: serde::de::DeserializeOwned + std::fmt::Debug>(json: &str) -> String {
        describe_serde_error(&serde_json::from_str::<T>(json).unwrap_err().to_string()).detail
    }

    #[test]
    fn details_name_no_rust_type() {
        for (detail, expected) in [
            (detail_of::<Body>("7"), "expected an object"),
            (detail_of::<Kind>("7"), ONE_OF_DOCUMENTED),
            (detail_of::<Kind>("\"Ajar\""), "expected `Open`"),
            (detail_of::<String>("7"), "expected a string"),
            (detail_of::<bool>("7"), "expected true or false"),
            (detail_of::<Vec<u8>>("7"), "expected an array"),
            (detail_of::<serde_json::Map<String, serde_json::Value>>("7"), "expected an object"),
            (detail_of::<(u8, u8)>("7"), "expected an array of 2 values"),
            (detail_of::<u8>("300"), "expected a whole number from 0 to 255"),
            (detail_of::<u32>("-1"), "expected a whole number from 0 to 4294967295"),
            (detail_of::<i64>("1.5"), "expected a whole number"),
            (detail_of::<u64>("-1"), "expected a whole number, 0 or more"),
            (detail_of::<f64>("\"1\""), "expected a number"),
            (detail_of::<std::num::NonZeroU32>("0"), "expected a whole number, 1 or more"),
            (detail_of::<Uuid>("\"x\""), "expected a UUID, such as 0190b5a2-7e2f-7000-8000-000000000000"),
            (detail_of::<Uuid>("7"), "expected a UUID, such as 0190b5a2-7e2f-7000-8000-000000000000"),
            (detail_of::<DateTime<Utc>>("\"x\""), "expected a time with its offset, such as 2026-01-31T09:30:00Z"),
            (detail_of::<DateTime<Utc>>("7"), "expected a time with its offset, such as 2026-01-31T09:30:00Z"),
            (detail_of::<NaiveDate>("7"), "expected a date, such as 2026-01-31"),
        ] {
            assert_eq!(detail, expected);
        }
        let number = |text: &str| describe_serde_error(&text.parse::<u16>().unwrap_err().to_string()).detail;
        assert_eq!(number("x"), "expected a whole number");
        assert_eq!(number(""), "expected a whole number");
        assert_eq!(number("70000"), "the number is too large");
    }

    #[test]
    fn position_is_removed() {
        let error = serde_json::from_str::<String>("\n 7").unwrap_err();
        assert_eq!(describe_serde_error(&error.to_string()).detail, "expected a string");
    }
}
