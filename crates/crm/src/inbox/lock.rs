use kernel::ids::AccountId;

use crate::identity::IdentityKey;

/// A lock on a key of a person or on a message.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lock {
    Person(IdentityKey),
    Message(AccountId, String),
}
