use flows::{StoreUploadError, WriteError};
use media::ObjectStoreError;

use crate::problem::{Code, Problem};

/// The store cannot be reached, or refuses: the client may try again, and the log says why.
pub(crate) fn store_away(error: ObjectStoreError) -> Problem {
    let detail = "The store of files is not available; retry later.";
    Problem::unavailable(Code::TemporarilyUnavailable).with_detail(detail).caused_by(error)
}

/// The store has lost the bytes of a file.
pub(crate) fn object_missing() -> Problem {
    let detail = "The bytes of the file are missing in the store; an operator must look at it.";
    let problem = Problem::unavailable(Code::TemporarilyUnavailable).with_detail(detail);
    problem.caused_by("an object is missing in the store")
}

impl From<WriteError> for Problem {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Store(error) => error.into(),
            WriteError::Objects(error) => store_away(error),
            WriteError::BeingDeleted => {
                let detail = "A file with the same bytes is being deleted; retry in a few seconds.";
                Self::unavailable(Code::TemporarilyUnavailable).with_detail(detail)
            }
        }
    }
}

impl From<StoreUploadError> for Problem {
    fn from(error: StoreUploadError) -> Self {
        match error {
            StoreUploadError::Store(error) => error.into(),
            StoreUploadError::TookTooLong => {
                let detail = "Storing the file took too long; retry.";
                Self::unavailable(Code::TemporarilyUnavailable).with_detail(detail)
            }
        }
    }
}
