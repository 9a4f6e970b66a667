use diesel::result::{DatabaseErrorKind, Error};
use kernel::StoreError;

/// Texts of errors that Diesel has no kind for; it does not pass on the SQLSTATE. A server that speaks another language
/// still works: what is not recognized is tried again by the ledger like any other failure.
const CONTENTION: [&str; 3] =
    ["deadlock detected", "canceling statement due to lock timeout", "could not obtain lock on"];
const UNAVAILABLE: [&str; 11] = [
    "terminating connection",
    "the database system is",
    "sorry, too many clients",
    "too many connections",
    "remaining connection slots",
    "canceling statement due to statement timeout",
    "could not extend file",
    "could not write to file",
    "out of shared memory",
    "No space left on device",
    "out of memory",
];
const OUT_OF_SCOPE: &str = "violates row-level security policy";

/// What a failed statement means to a domain.
pub(crate) fn store_error(error: Error) -> StoreError {
    let Error::DatabaseError(kind, information) = &error else {
        return StoreError::Other(error.into());
    };
    let says = |texts: &[&str]| texts.iter().any(|text| information.message().contains(text));
    match kind {
        DatabaseErrorKind::UniqueViolation | DatabaseErrorKind::ForeignKeyViolation => {
            StoreError::Conflict { constraint: information.constraint_name().unwrap_or_default().to_owned() }
        }
        DatabaseErrorKind::SerializationFailure => StoreError::Retryable(error.into()),
        DatabaseErrorKind::ClosedConnection
        | DatabaseErrorKind::UnableToSendCommand
        // What a primary says that has become a standby.
        | DatabaseErrorKind::ReadOnlyTransaction => {
            StoreError::Unavailable(error.into())
        }
        _ if says(&CONTENTION) => StoreError::Retryable(error.into()),
        _ if says(&UNAVAILABLE) => StoreError::Unavailable(error.into()),
        _ if says(&[OUT_OF_SCOPE]) => StoreError::OutOfScope,
        _ => StoreError::Other(error.into()),
    }
}

/// For `.map_err(..)` after each statement.
pub(crate) trait OrStoreError<T> {
    fn or_store_error(self) -> Result<T, StoreError>;
}

impl<T> OrStoreError<T> for Result<T, Error> {
    fn or_store_error(self) -> Result<T, StoreError> {
        self.map_err(store_error)
    }
}
