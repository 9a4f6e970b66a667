use kernel::StoreError;
use kernel::seal::NoSealingKey;

/// Why the records of a log are not sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealRecordsError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    NoSealingKey(#[from] NoSealingKey),
    /// The application does not reach it: the last seal was inserted by other means.
    #[error("the last seal has the greatest sequence number")]
    NoSequenceNumber,
}
