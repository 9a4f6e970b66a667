use chrono::{DateTime, Utc};
use kernel::ids::{ContactId, MessageId, SendId};
use kernel::{MessageCategory, Traceparent};

use super::MessageKey;
use crate::identity::IdentityKey;

/// What was stored of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordedBatch {
    /// Messages that were not stored before.
    pub messages: usize,
    /// Those of them that customers wrote to the business.
    pub from_customers: Vec<CustomerMessage>,
    /// Messages that Parley sent, of which statuses tell.
    pub accepted: Vec<AcceptedMessage>,
    /// Identities of deleted contacts that the batch named: nothing that names them may be kept.
    pub erased: Vec<IdentityKey>,
}

/// A message that Parley sent and that Meta has accepted, as a status proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcceptedMessage {
    pub send: SendId,
    pub id: MessageId,
    /// That Meta had accepted it was not known before.
    pub is_new: bool,
    /// When it was to be sent.
    pub wanted_at: DateTime<Utc>,
    /// The trace of the request to send it.
    pub trace: Option<Traceparent>,
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
