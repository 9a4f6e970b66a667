use chrono::{DateTime, Utc};
use kernel::ids::{ContactId, ConversationId, InteractionId, MessageId};
use kernel::{Arrival, Clock, Direction};

use super::{Batch, MessageKey, MessageUpdate, Moment, UpdateEffect};
use crate::identity::Person;
use crate::{Interaction, InteractionKind};

/// An update as it is stored. Updates are never deleted with time, as the state of a message follows from all of them.
#[derive(Clone, Debug)]
pub struct NewUpdate {
    pub message: MessageKey,
    pub effect: UpdateEffect,
    /// The customer who caused it; `None` for the business and for WhatsApp.
    pub contact: Option<ContactId>,
    /// Whom it names, so that it can be erased with them while its message is not stored.
    pub person: Option<Person>,
    pub payload: Option<String>,
    pub occurred_at: DateTime<Utc>,
    pub arrival: Arrival,
}

impl NewUpdate {
    pub(super) const fn moment(&self) -> Moment {
        (self.occurred_at, self.arrival)
    }
}

/// A message whose state was computed from its updates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshedMessage {
    pub id: MessageId,
    pub contact: ContactId,
    pub conversation: Option<ConversationId>,
    pub text_changed: bool,
    pub activity_changed: bool,
    /// What makes it news again: see [`MessageState::activity`](super::MessageState::activity).
    pub activity: Option<Moment>,
    /// New updates by a customer.
    pub news: i32,
    /// 1 if it became unread by them, -1 if it is no longer unread.
    pub unread: i32,
    pub is_revoked: bool,
    /// When its delivery first failed, also if it was delivered later, and the arrival of that status.
    pub failed_at: Option<Moment>,
}

impl RefreshedMessage {
    /// What it changes in its conversation, if anything.
    pub(super) fn conversation_update(&self) -> Option<ConversationUpdate> {
        let conversation = self.conversation?;
        let changes = self.text_changed || self.activity_changed || self.news != 0;
        let update =
            ConversationUpdate { unread: self.unread, news: self.news, ..ConversationUpdate::of(conversation) };
        changes.then_some(update)
    }
}

/// What a batch changes in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConversationUpdate {
    pub conversation: ConversationId,
    /// Added to the unread count.
    pub unread: i32,
    /// Added to the version: messages and updates of customers, and missed calls.
    pub news: i32,
    pub service_window_ends_at: Option<DateTime<Utc>>,
    pub missed_call: Option<Moment>,
}

/// The line of a missed call.
pub const MISSED_CALL: &str = "Missed call";

/// The line of a reaction, before its emoji.
pub const REACTION_TEXT: &str = "Reacted with ";

impl ConversationUpdate {
    /// Its messages changed, without news.
    #[must_use]
    pub const fn of(conversation: ConversationId) -> Self {
        Self { conversation, unread: 0, news: 0, service_window_ends_at: None, missed_call: None }
    }
}

/// Removes reactions, edits and revocations of customers whom the event does not identify: without a contact they would count as
/// those of the business.
pub(super) fn without_anonymous(mut batch: Batch) -> Batch {
    let is_status = |update: &MessageUpdate| matches!(update.effect, UpdateEffect::Status { .. });
    let is_by_business = |update: &MessageUpdate| update.direction == Direction::Outbound;
    batch.updates.retain(|update| is_status(update) || is_by_business(update) || update.customer.is_some());
    batch
}

pub(super) fn new_update(update: &MessageUpdate, contact: Option<ContactId>) -> NewUpdate {
    NewUpdate {
        message: update.message.clone(),
        effect: update.effect.clone(),
        contact: contact.filter(|_| update.direction == Direction::Inbound),
        person: update.person().cloned(),
        payload: update.payload.clone(),
        occurred_at: update.occurred_at,
        arrival: update.arrival,
    }
}

/// The interaction of an update. A delivery status has none: there are too many.
pub(super) fn interaction(update: &MessageUpdate, contact: ContactId, clock: &dyn Clock) -> Option<Interaction> {
    let (kind, text, wamid) = match &update.effect {
        UpdateEffect::Status { .. } => return None,
        UpdateEffect::Reaction { wamid, emoji: Some(emoji) } => {
            (InteractionKind::Reaction, format!("{REACTION_TEXT}{emoji}"), wamid)
        }
        UpdateEffect::Reaction { wamid, emoji: None } => {
            (InteractionKind::Reaction, "Took a reaction back".to_owned(), wamid)
        }
        UpdateEffect::Edit { wamid, text } => {
            let text = text.clone().unwrap_or_else(|| "Edited a message".to_owned());
            (InteractionKind::MessageEdited, text, wamid)
        }
        UpdateEffect::Revocation { wamid } => (InteractionKind::MessageRevoked, "Deleted a message".to_owned(), wamid),
    };
    Some(Interaction {
        id: InteractionId::new(clock),
        contact,
        kind,
        text,
        actor: None,
        message: None,
        about: Some(update.message.clone()),
        source: Some(format!("update:{}:{wamid}", update.message.0)),
        occurred_at: update.occurred_at,
        arrival: update.arrival,
    })
}

/// The interactions of messages whose delivery failed.
pub(super) fn failures(messages: &[RefreshedMessage], clock: &dyn Clock) -> impl Iterator<Item = Interaction> {
    messages.iter().filter_map(|message| {
        let (occurred_at, arrival) = message.failed_at?;
        Some(Interaction {
            id: InteractionId::new(clock),
            contact: message.contact,
            kind: InteractionKind::DeliveryFailed,
            text: "The message could not be delivered".to_owned(),
            actor: None,
            message: Some(message.id),
            about: None,
            source: None,
            occurred_at,
            arrival,
        })
    })
}
