//! Errors: a sentence that says why there is no figure.

/// Why there is no figure.
pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;

pub(crate) type Result<T = ()> = std::result::Result<T, Error>;

pub(crate) fn fail<T>(reason: impl Into<String>) -> Result<T> {
    Err(reason.into().into())
}
