//! What serde says about a value that does not fit, for who sent it.

/// A code and a sentence for an error of serde's.
///
/// serde has no kinds of errors, only texts; these are the ones that its own `serde::de::Error` makes. The value itself is
/// not repeated: it may be a password.
pub(super) struct ValueError {
    pub(super) code: &'static str,
    pub(super) detail: String,
    /// The field that is missing or repeated: serde names it, but the path ends above it.
    pub(super) field: Option<String>,
}

pub(super) fn describe_serde_error(error: &str) -> ValueError {
    // serde_json adds where in the text it was.
    let error = error.rsplit_once(" at line ").map_or(error, |(error, _)| error);
    let quoted = || error.split('`').nth(1).map(str::to_owned);
    let error_with = |code, detail: &str| ValueError { code, detail: detail.to_owned(), field: None };
    if error.starts_with("missing field") {
        ValueError { field: quoted(), ..error_with("missing", "is required") }
    } else if error.starts_with("unknown field") {
        error_with("unknown", "there is no such field")
    } else if error.starts_with("duplicate field") {
        ValueError { field: quoted(), ..error_with("duplicate", "is given twice") }
    } else if let Some((_, expected)) = error.split_once(", expected ") {
        error_with("invalid", &format!("expected {expected}"))
    } else {
        error_with("invalid", error)
    }
}
