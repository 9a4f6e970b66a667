use kernel::DeliveryStatus;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

/// What is known of a send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum SendState {
    /// It has not left, or it left and was surely not sent, and will be tried again.
    Queued,
    /// Meta is called, or was when the sender died.
    Sending,
    /// Meta has it.
    Accepted,
    /// It was surely not sent, or its caller wants to hear of an unclear answer as a failure.
    Failed,
    /// It may have been sent.
    Unknown,
    Canceled,
    /// It did not leave in time.
    Expired,
}

/// The status of an outbound message, as people see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum MessageStatus {
    /// Waits for its turn or its time.
    Queued,
    /// Waits for the end of a pause.
    Held,
    Sending,
    /// Meta has it. Not that it was delivered.
    Accepted,
    Sent,
    Delivered,
    Read,
    Failed,
    /// It may have been sent, and no status says so yet.
    Unknown,
    Canceled,
    Expired,
}

/// What happens if it stays unclear whether a message was sent.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum OnUnknown {
    /// It is never sent again by itself; a person decides.
    #[default]
    Hold,
    /// It is sent once more if no status arrives within [`RESEND_AFTER`](crate::RESEND_AFTER). The customer may get it twice.
    Resend,
    /// It counts as failed.
    Fail,
}

/// What a send is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum SendKind {
    Message,
    Reaction,
    ReadReceipt,
    Typing,
}

/// Who wanted a message to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum SenderKind {
    User,
    ApiKey,
    Automation,
}

/// People leave before programs, programs before bulk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    Person = 0,
    Program = 1,
    Bulk = 2,
}

impl MessageStatus {
    /// The status of a message, from its send and from what Meta's webhooks have said.
    ///
    /// A status is proof of acceptance, so it counts more than an unclear answer. What failed and is sent again counts as what it
    /// is now.
    #[must_use]
    pub const fn of(state: SendState, delivery: Option<DeliveryStatus>, is_paused: bool) -> Self {
        match (state, delivery) {
            (SendState::Queued, _) if is_paused => Self::Held,
            (SendState::Queued, _) => Self::Queued,
            (SendState::Canceled, _) => Self::Canceled,
            (SendState::Expired, _) => Self::Expired,
            (_, Some(DeliveryStatus::Sent)) => Self::Sent,
            (_, Some(DeliveryStatus::Delivered)) => Self::Delivered,
            (_, Some(DeliveryStatus::Read | DeliveryStatus::Played)) => Self::Read,
            (_, Some(DeliveryStatus::Failed)) | (SendState::Failed, _) => Self::Failed,
            (SendState::Sending, _) => Self::Sending,
            (SendState::Accepted, _) => Self::Accepted,
            (SendState::Unknown, _) => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn webhook_counts_more_than_the_answer() {
        let of = |state, delivery| MessageStatus::of(state, delivery, false);
        assert_eq!(of(SendState::Unknown, None), MessageStatus::Unknown);
        assert_eq!(of(SendState::Unknown, Some(DeliveryStatus::Delivered)), MessageStatus::Delivered);
        assert_eq!(of(SendState::Failed, Some(DeliveryStatus::Delivered)), MessageStatus::Delivered);
        assert_eq!(of(SendState::Accepted, Some(DeliveryStatus::Failed)), MessageStatus::Failed);
        assert_eq!(of(SendState::Accepted, Some(DeliveryStatus::Played)), MessageStatus::Read);
    }

    #[test]
    fn only_queued_message_is_held_by_a_pause() {
        assert_eq!(MessageStatus::of(SendState::Queued, None, true), MessageStatus::Held);
        assert_eq!(MessageStatus::of(SendState::Accepted, None, true), MessageStatus::Accepted);
        // It is sent again after a failure.
        assert_eq!(MessageStatus::of(SendState::Queued, Some(DeliveryStatus::Failed), false), MessageStatus::Queued);
    }
}
