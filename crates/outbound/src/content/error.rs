use strum::IntoStaticStr;
use thiserror::Error;

/// Why content cannot be sent: a fault that is found before Meta is asked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{pointer} {message}")]
pub struct ContentError {
    /// The JSON pointer (RFC 6901) of the value, from the root of the content.
    pub pointer: String,
    pub kind: ContentErrorKind,
    /// What is wrong and what is wanted, without the value.
    pub message: String,
}

/// The kinds of [`ContentError`]. Their texts are the codes of the HTTP API's field errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum ContentErrorKind {
    /// A field that must be there is not.
    Missing,
    /// There is no such field.
    Unknown,
    Invalid,
}

impl ContentError {
    pub(crate) fn invalid(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), kind: ContentErrorKind::Invalid, message: message.into() }
    }

    pub(crate) fn missing(pointer: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), kind: ContentErrorKind::Missing, message: "is required".to_owned() }
    }

    pub(crate) fn unknown(pointer: impl Into<String>) -> Self {
        let message = "there is no such field".to_owned();
        Self { pointer: pointer.into(), kind: ContentErrorKind::Unknown, message }
    }
}
