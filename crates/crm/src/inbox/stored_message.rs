use kernel::ids::{AccountId, ContactId, ConversationId};
use kernel::{Direction, Origin};

use super::batch::is_placeholder;
use super::{IncomingMessage, NewMessage};

/// What is stored of a message that is told again.
#[derive(Clone, Debug)]
pub struct StoredMessage {
    pub kind: String,
    pub direction: Direction,
    pub origin: Origin,
    pub contact: ContactId,
    /// None for one in a group.
    pub conversation: Option<ConversationId>,
    pub payload: String,
}

/// Another telling of a stored message.
///
/// Several events may tell of one message: an import of the history, a webhook when it was sent, an echo, another party's thread.
/// In any order the result is the same: the telling of the highest [rank](Origin::rank) says what the message is, and of one rank
/// the one with the longest payload, but a telling with content counts before one without. The other tellings fill in what is
/// missing. The delivery status is the furthest of all, the arrival the first.
#[derive(Clone, Debug)]
pub struct Telling {
    pub message: NewMessage,
    /// Its kind, text, file and payload replace the stored ones.
    pub has_better_content: bool,
    /// Its origin and time replace the stored ones.
    pub has_higher_rank: bool,
}

impl StoredMessage {
    /// What is stored of a new message.
    #[must_use]
    pub fn of(message: &NewMessage) -> Self {
        Self {
            kind: message.kind.clone(),
            direction: message.direction,
            origin: message.origin,
            contact: message.contact,
            conversation: message.conversation,
            payload: message.payload.clone(),
        }
    }

    pub(super) fn has_worse_content_than(&self, told: &IncomingMessage) -> bool {
        told.content_order() > content_order(&self.kind, self.origin, &self.payload)
    }

    pub(super) const fn has_lower_rank_than(&self, told: &IncomingMessage) -> bool {
        self.origin.rank() < told.origin.rank()
    }

    /// Whether the telling makes it a message of now: it was known from the history only.
    pub(super) fn becomes_present(&self, told: &IncomingMessage) -> bool {
        self.origin == Origin::History && told.origin != Origin::History
    }

    /// Whether the telling makes it a message that the customer wrote to the business now.
    pub(super) fn becomes_live(&self, told: &IncomingMessage) -> bool {
        self.origin != Origin::Live && told.origin == Origin::Live
    }
}

impl IncomingMessage {
    fn content_order(&self) -> (bool, u8, usize, &str) {
        content_order(&self.kind, self.origin, &self.payload)
    }

    /// One message of two tellings in a batch.
    pub(super) fn combined(self, other: Self) -> Self {
        let (best, rest) = if other.content_order() > self.content_order() { (other, self) } else { (self, other) };
        let rest_ranks_higher = rest.origin.rank() > best.origin.rank();
        Self {
            customer: best.customer.with_told_by(rest.customer),
            reply_to: best.reply_to.or(rest.reply_to),
            forwarded: best.forwarded.or(rest.forwarded),
            referral: best.referral.or(rest.referral),
            delivery: best.delivery.into_iter().chain(rest.delivery).reduce(kernel::DeliveryStatus::latest),
            origin: if rest_ranks_higher { rest.origin } else { best.origin },
            provider_timestamp: if rest_ranks_higher { rest.provider_timestamp } else { best.provider_timestamp },
            arrival: best.arrival.min(rest.arrival),
            ..best
        }
    }
}

/// Of two tellings, the greater one has better content.
fn content_order<'p>(kind: &str, origin: Origin, payload: &'p str) -> (bool, u8, usize, &'p str) {
    (!is_placeholder(kind), origin.rank(), payload.len(), payload)
}

/// The pair that a conversation belongs to.
pub(super) type Pair = (AccountId, ContactId);
