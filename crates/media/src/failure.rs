use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::MediaState;

/// Why a file was not fetched. The text is a label of metrics, and is stored with the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum MediaFailure {
    /// The account has no access token, or it cannot be used.
    NoToken,
    /// Meta refused the access token.
    TokenRefused,
    /// Meta does not know the file.
    NotFound,
    /// The address that Meta gave has no file, also a new one.
    AddressExpired,
    /// The address is not one of Meta's, or leads elsewhere.
    ForeignAddress,
    /// Meta answered with another error.
    MetaRefused,
    /// No answer, or it broke off, or it took too long.
    NoAnswer,
    /// More bytes than Meta said, or fewer.
    WrongSize,
    /// Other bytes than Meta said.
    WrongHash,
    /// The bytes are of another type than Meta said.
    WrongType,
    /// More bytes than are fetched.
    TooLarge,
    /// The object store did not take it.
    Store,
    /// Meta deleted it before it was fetched.
    Deadline,
}

/// What follows from a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// It is tried again until the file's deadline.
    Passing,
    /// It is tried again a few times; then the file ends in that state.
    Suspected(MediaState),
    /// The file ends in that state.
    Final(MediaState),
}

impl MediaFailure {
    pub const ALL: &[Self] = Self::VARIANTS;

    #[must_use]
    pub const fn kind(self) -> FailureKind {
        match self {
            Self::NoToken | Self::TokenRefused | Self::MetaRefused | Self::NoAnswer | Self::Store => {
                FailureKind::Passing
            }
            Self::NotFound | Self::AddressExpired => FailureKind::Suspected(MediaState::Gone),
            // They may be a fault of one answer.
            Self::ForeignAddress | Self::WrongSize | Self::WrongHash => FailureKind::Suspected(MediaState::Refused),
            // The bytes are those that Meta said.
            Self::WrongType | Self::TooLarge => FailureKind::Final(MediaState::Refused),
            Self::Deadline => FailureKind::Final(MediaState::Expired),
        }
    }

    /// The state in which a file ends with this failure, after so many failures of this kind; `None` if it is tried again.
    #[must_use]
    pub const fn end_after(self, failures: i32) -> Option<MediaState> {
        match self.kind() {
            FailureKind::Suspected(state) if failures >= MAX_SUSPECTED => Some(state),
            FailureKind::Passing | FailureKind::Suspected(_) => None,
            FailureKind::Final(state) => Some(state),
        }
    }

    /// For people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::NoToken => "the account has no access token that can be used",
            Self::TokenRefused => "Meta refused the account's access token",
            Self::NotFound => "Meta does not know the file",
            Self::AddressExpired => "the address that Meta gave has no file",
            Self::ForeignAddress => "the address that Meta gave is not one of Meta's",
            Self::MetaRefused => "Meta refused the request",
            Self::NoAnswer => "Meta did not answer, or its answer broke off",
            Self::WrongSize => "the file has another size than Meta said",
            Self::WrongHash => "the file has another hash than Meta said",
            Self::WrongType => "the file is of another type than Meta said",
            Self::TooLarge => "the file is larger than what is stored",
            Self::Store => "the object store did not take the file",
            Self::Deadline => "Meta deleted the file before it was fetched",
        }
    }
}

/// So many attempts that end alike are believed.
const MAX_SUSPECTED: i32 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suspected_failure_is_believed_after_some_attempts() {
        assert_eq!(MediaFailure::WrongHash.end_after(1), None);
        assert_eq!(MediaFailure::WrongHash.end_after(4), Some(MediaState::Refused));
        assert_eq!(MediaFailure::NotFound.end_after(4), Some(MediaState::Gone));
        assert_eq!(MediaFailure::TooLarge.end_after(1), Some(MediaState::Refused));
        assert_eq!(MediaFailure::NoAnswer.end_after(1_000), None);
    }

    #[test]
    fn failure_ends_no_file_as_waiting_or_stored() {
        for failure in MediaFailure::ALL {
            let end = failure.end_after(i32::MAX);
            assert!(!matches!(end, Some(MediaState::Waiting | MediaState::Stored)), "{failure:?}");
            assert_eq!(failure.into_str().parse(), Ok(*failure));
        }
    }
}
