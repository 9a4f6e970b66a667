use kernel::ids::AccountId;

use crate::identity::IdentityKey;

/// A lock on a key of a person or on a message. Locks are acquired in the order of `Ord`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lock {
    Person(IdentityKey),
    Message(AccountId, String),
}
