use diesel::result::{DatabaseErrorKind, Error};
use kernel::StoreError;

/// Texts of errors that Diesel has no kind for: it drops the SQLSTATE. The login roles have `lc_messages = 'C'`, so that the
/// texts are in English (`parley check` verifies it). With another language, these errors become [`StoreError::Other`].
const CONTENTION: [&str; 3] =
    ["deadlock detected", "canceling statement due to lock timeout", "could not obtain lock on"];
/// The statement or its transaction is at fault: with less to do, it may succeed.
const LIMIT_EXCEEDED: [&str; 5] = [
    "canceling statement due to statement timeout",
    "terminating connection due to transaction timeout",
    "terminating connection due to idle-in-transaction timeout",
    "out of shared memory",
    "out of memory",
];
const UNAVAILABLE: [&str; 8] = [
    "terminating connection",
    "the database system is",
    "sorry, too many clients",
    "too many connections",
    "remaining connection slots",
    "could not extend file",
    "could not write to file",
    "No space left on device",
];
const OUT_OF_SCOPE: &str = "violates row-level security policy";

/// The domain's error for a failed statement.
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
        // First: the server closes the connection after two of them.
        _ if says(&LIMIT_EXCEEDED) => StoreError::LimitExceeded(error.into()),
        DatabaseErrorKind::ClosedConnection
        | DatabaseErrorKind::UnableToSendCommand
        // The server has become a standby.
        | DatabaseErrorKind::ReadOnlyTransaction => {
            StoreError::Unavailable(error.into())
        }
        _ if says(&CONTENTION) => StoreError::Retryable(error.into()),
        _ if says(&UNAVAILABLE) => StoreError::Unavailable(error.into()),
        _ if says(&[OUT_OF_SCOPE]) => StoreError::OutOfScope,
        _ => StoreError::Other(without_values(information.message()).into()),
    }
}

/// The server's message without the offending value: that is user input, and the message is logged. Postgres quotes the value at
/// the end, after a colon.
fn without_values(message: &str) -> String {
    match message.split_once(": \"") {
        Some((said, _)) => format!("{said}: ***"),
        None => message.to_owned(),
    }
}

/// Converts the result of a statement.
pub(crate) trait OrStoreError<T> {
    fn or_store_error(self) -> Result<T, StoreError>;
}

impl<T> OrStoreError<T> for Result<T, Error> {
    fn or_store_error(self) -> Result<T, StoreError> {
        self.map_err(store_error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_lost_or_refused_connection_is_unavailable() {
        let error =
            |message: &str| store_error(Error::DatabaseError(DatabaseErrorKind::Unknown, Box::new(message.to_owned())));
        for message in LIMIT_EXCEEDED {
            assert!(matches!(error(message), StoreError::LimitExceeded(_)), "{message}");
        }
        for message in ["terminating connection due to administrator command", "sorry, too many clients already"] {
            assert!(matches!(error(message), StoreError::Unavailable(_)), "{message}");
        }
    }

    #[test]
    fn error_message_omits_user_input() {
        let refused = Error::DatabaseError(
            DatabaseErrorKind::Unknown,
            Box::new("invalid input syntax for type uuid: \"ada@example.com\"".to_owned()),
        );
        let said = kernel::error_chain(&store_error(refused));
        assert!(said.contains("invalid input syntax for type uuid") && !said.contains("ada"), "{said}");
        let constraint = "new row for relation \"users\" violates check constraint \"users_email_check\"";
        assert_eq!(without_values(constraint), constraint, "names of the schema stay");
    }
}
