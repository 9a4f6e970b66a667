//! Decodes an event.
//!
//! Everything but ids may be missing, of another type, or new. What cannot be read is left out; an event that does not change
//! the CRM has no [`Update`]. Each file decodes one subject; [`decode_change`] selects it by field and list.

mod address_book;
mod call;
mod change;
mod content;
mod effects;
mod error;
mod handover;
mod health;
mod history;
mod ids;
mod length;
mod message;
mod message_context;
mod party;
mod preferences;
mod readable;
mod status;
mod system;
mod template;

use crate::EventKind;
use crate::json::Object;
use crate::update::Update;
use change::{Change, Item};
pub use content::MessageContent;
pub use error::DecodeError;
use kernel::{Direction, Origin};
use message_context::MessageContext;
use party::{FROM, TO};

/// A decoded event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The WhatsApp Business Account, in which a BSUID is unique. May be empty.
    pub waba_id: String,
    /// `None` if the event does not change the CRM.
    pub update: Option<Update>,
}

/// Decodes the payload of an event.
///
/// # Errors
/// [`DecodeError`].
pub fn decode(kind: &EventKind, payload: &[u8]) -> Result<Decoded, DecodeError> {
    if *kind == EventKind::unparsed() {
        return Err(DecodeError::Unparsed);
    }
    let text = String::from_utf8_lossy(payload);
    let entry = Object::parse(&text).ok_or(DecodeError::NoChange)?;
    let change = Change::of(&entry).ok_or(DecodeError::NoChange)?;
    let update = decode_change(&change)?;
    if update.is_none() && (*kind == EventKind::message() || *kind == EventKind::status()) {
        return Err(DecodeError::NoItem);
    }
    Ok(Decoded { waba_id: change.waba_id, update })
}

/// A list that is added to [`crate::split`] needs a branch here.
fn decode_change(change: &Change<'_>) -> Result<Option<Update>, DecodeError> {
    let first = |list| change.first(list);
    let incoming = |item: &Item<'_>, origin| {
        let customer = FROM.of(&item.members).or_else_from(party::contact_entry(&change.person));
        message::decode(item, MessageContext { direction: Direction::Inbound, origin, customer, delivery: None })
    };
    let echo = |item: &Item<'_>, origin| {
        let customer = TO.of(&item.members).or_else_from(party::contact_entry(&change.person));
        message::decode(item, MessageContext { direction: Direction::Outbound, origin, customer, delivery: None })
    };
    match change.field.as_str() {
        "messages" | "standby" => {
            let origin = if change.field == "standby" { Origin::Standby } else { Origin::Live };
            match (first("messages"), first("statuses"), first("message_echoes")) {
                (Some(item), _, _) => incoming(&item, origin).map(Some),
                (_, Some(item), _) => status::decode(&item, &change.person).map(Some),
                (_, _, Some(item)) if origin == Origin::Standby => echo(&item, origin).map(Some),
                _ => Ok(None),
            }
        }
        "smb_message_echoes" => first("message_echoes").map(|item| echo(&item, Origin::NativeApp)).transpose(),
        "history" => history::decode(change),
        "calls" => call::decode(change),
        "user_preferences" => {
            first("user_preferences").map_or(Ok(None), |item| preferences::decode(&item.members, &change.person))
        }
        "user_id_update" => first("user_id_update").map(|item| system::decode_update(&item.members)).transpose(),
        "messaging_handovers" => Ok(handover::decode(change)),
        "smb_app_state_sync" => Ok(first("state_sync").and_then(|item| address_book::decode(&item.members))),
        _ => Ok(template::decode(change).or_else(|| health::decode(change))),
    }
}

#[cfg(test)]
mod tests;
