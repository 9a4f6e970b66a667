use std::collections::HashSet;

use chrono::{DateTime, Utc};
use kernel::ids::ContactId;
use kernel::{DeliveryStatus, Direction};

use super::{Moment, NewMessage, NewUpdate, UpdateEffect};

/// The text of a message after its revocation.
pub const REVOKED_TEXT: &str = "Message deleted";

/// The fields of a message that its updates change. Specifies the statement with which the database refreshes messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageState {
    pub direction: Direction,
    /// The customer who sent it, in a group the participant; `None` if the business did.
    pub sender: Option<ContactId>,
    pub text: String,
    /// `None` if the message has no media.
    pub media_caption: Option<Option<String>>,
    /// Of outbound messages.
    pub delivery: Option<DeliveryStatus>,
    pub edited_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
    /// When the delivery of an outbound message first failed, also if it was delivered later, and the arrival of that status.
    pub failed_at: Option<Moment>,
    /// The latest change that makes it news again: its revocation, else the last edit that has a text or, of what the business
    /// wrote, the reaction that a customer has to it.
    pub activity: Option<Moment>,
}

impl MessageState {
    /// The state without any updates.
    #[must_use]
    pub fn new(message: &NewMessage) -> Self {
        Self {
            direction: message.direction,
            sender: (message.direction == Direction::Inbound).then_some(message.contact),
            text: message.text.clone(),
            media_caption: message.media.as_ref().map(|media| media.caption.clone()),
            delivery: message.delivery,
            edited_at: None,
            revoked_at: None,
            failed_at: None,
            activity: None,
        }
    }

    /// The state after all updates of the message. Of two updates with the same key the one that arrived first counts. The delivery
    /// status with the highest rank counts, the last edit that has a text, and a revocation before any edit; so the order in which
    /// updates are recorded does not matter,
    /// and computing the state again changes nothing. Only who sent the message edits or revokes it: others name it as well,
    /// and WhatsApp does not say that it checks them.
    #[must_use]
    pub fn with_updates(self, updates: &[NewUpdate]) -> Self {
        let mut seen = HashSet::new();
        let mut updates: Vec<&NewUpdate> = updates.iter().collect();
        updates.sort_by_key(|update| update.arrival);
        updates.retain(|update| seen.insert(update.effect.key()));
        if updates.is_empty() {
            return self;
        }
        let by_sender = updates.iter().filter(|update| update.contact == self.sender);
        let is_outbound = self.direction == Direction::Outbound;
        let statuses = updates.iter().filter_map(|update| match &update.effect {
            UpdateEffect::Status { status, .. } => Some((status.parse::<DeliveryStatus>().ok()?, update.moment())),
            _ => None,
        });
        let delivery = statuses.clone().map(|(status, _)| status).chain(self.delivery).reduce(DeliveryStatus::latest);
        let failed_at = statuses.filter(|(status, _)| *status == DeliveryStatus::Failed).map(|(_, at)| at).min();
        let edits = by_sender.clone().filter_map(|update| match &update.effect {
            UpdateEffect::Edit { wamid, text } => Some((update.moment(), wamid, text)),
            _ => None,
        });
        let edited_at = edits.clone().map(|((at, _), ..)| at).max();
        let last_edit = edits.filter_map(|(at, wamid, text)| Some((at, wamid, text.clone()?))).max();
        let edited = last_edit.as_ref().map(|(moment, ..)| *moment);
        let edit = last_edit.map(|(.., text)| text);
        let revocations = by_sender.filter(|update| matches!(update.effect, UpdateEffect::Revocation { .. }));
        let revoked = revocations.map(|update| update.moment()).min();
        let revoked_at = revoked.map(|(at, _)| at);
        let reactions = updates.iter().filter_map(|update| match &update.effect {
            UpdateEffect::Reaction { wamid, emoji } => {
                update.contact.map(|_| (update.moment(), wamid, emoji.is_some()))
            }
            _ => None,
        });
        let reaction = reactions.max().filter(|(.., is_there)| *is_there && is_outbound).map(|(moment, ..)| moment);
        Self {
            direction: self.direction,
            sender: self.sender,
            text: match revoked_at {
                Some(_) => REVOKED_TEXT.to_owned(),
                None => edit.clone().unwrap_or(self.text),
            },
            media_caption: self.media_caption.map(|caption| edit.or(caption)),
            delivery: delivery.filter(|_| is_outbound),
            edited_at,
            revoked_at,
            failed_at: failed_at.filter(|_| is_outbound),
            activity: revoked.or_else(|| edited.max(reaction)),
        }
    }
}
