//! Problem responses.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(crate) struct Problem {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) title: String,
    pub(crate) status: u16,
    pub(crate) detail: String,
    pub(crate) code: String,
    pub(crate) request_id: Option<String>,
    #[serde(default)]
    pub(crate) errors: Vec<FieldError>,
    /// The dependencies of the server, in the problem `not_ready`.
    #[serde(default)]
    pub(crate) checks: Value,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(crate) struct FieldError {
    pub(crate) pointer: Option<String>,
    pub(crate) parameter: Option<String>,
    pub(crate) code: String,
    pub(crate) detail: String,
}

impl Problem {
    /// The JSON pointer of the first field error; empty if there is none.
    pub(crate) fn pointer(&self) -> &str {
        self.errors.first().and_then(|error| error.pointer.as_deref()).unwrap_or_default()
    }

    /// The JSON pointers of all field errors.
    pub(crate) fn pointers(&self) -> Vec<&str> {
        self.errors.iter().map(|error| error.pointer.as_deref().unwrap_or("(none)")).collect()
    }

    /// The query parameter of the first error; empty if there is none.
    pub(crate) fn parameter(&self) -> &str {
        self.errors.first().and_then(|error| error.parameter.as_deref()).unwrap_or_default()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self:#?}")
    }
}
