use chrono::{DateTime, Utc};
use kernel::MessageCategory;
use kernel::ids::{ContactId, MessageId};

use super::MessageKey;
use crate::identity::IdentityKey;

/// What was stored of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordedBatch {
    /// Messages that were not stored before.
    pub messages: usize,
    /// Those of them that customers wrote to the business.
    pub from_customers: Vec<CustomerMessage>,
    /// Messages of the business that Meta was not known to have accepted.
    pub accepted: Vec<AcceptedMessage>,
    /// Identities of deleted contacts that the batch named: nothing that names them may be kept.
    pub erased: Vec<IdentityKey>,
}

/// A message that Parley sent and Meta has accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcceptedMessage {
    pub id: MessageId,
    /// When it was to be sent.
    pub created_at: DateTime<Utc>,
    /// `None` for what has no price: reactions, read receipts.
    pub category: Option<MessageCategory>,
}

/// A message that a customer wrote to the business; not from before the number was connected, nor in a thread that another
/// party answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerMessage {
    pub key: MessageKey,
    pub contact: ContactId,
}
