//! Whatever goes wrong, a benchmark has no figure: an error that says why is enough.

/// Why there is no figure.
pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;

pub(crate) type Result<T = ()> = std::result::Result<T, Error>;

pub(crate) fn fail<T>(reason: impl Into<String>) -> Result<T> {
    Err(reason.into().into())
}
