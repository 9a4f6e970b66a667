use kernel::StoreError;
use tokens::{KeyError, UnusableKey};

/// Why the signing keys cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum SigningKeysError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("{0}; is the right key-encryption key configured?")]
    Unusable(#[from] UnusableKey),
}
