//! Reading an event.
//!
//! Everything but ids may be missing, of another type, or new: what cannot be read is left out, and what is not for the CRM
//! is no [`Update`]. Each file reads one subject; [`update`] says which for which field and list.

mod address_book;
mod call;
mod effects;
mod handover;
mod health;
mod history;
mod ids;
mod message;
mod party;
mod preferences;
mod readable;
mod status;
mod system;

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;

use crate::EventKind;
use crate::json::Object;
use crate::update::{Direction, Origin, Update};
use message::MessageContext;
use party::{FROM, TO};

/// What an event holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The WhatsApp Business Account, which a BSUID is unique in. May be empty.
    pub waba_id: String,
    /// None: it is kept as it is, and nothing in it is for the CRM.
    pub update: Option<Update>,
}

/// The event does not hold what its kind says; retrying does not help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("it is not what WhatsApp sends")]
    Unparsed,
    #[error("the payload is no entry with one change")]
    NoChange,
    #[error("the payload has no item of its kind")]
    NoItem,
    #[error("the item has no id")]
    NoId,
    #[error("the id of the item is longer than any of WhatsApp's")]
    IdTooLong,
    #[error("it is about a person and does not say who")]
    NoPerson,
}

/// Reads the payload of an event.
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
    let update = update(&change)?;
    if update.is_none() && (*kind == EventKind::message() || *kind == EventKind::status()) {
        return Err(DecodeError::NoItem);
    }
    Ok(Decoded { waba_id: change.waba_id, update })
}

/// The one change of an event.
struct Change<'a> {
    waba_id: String,
    field: String,
    json: &'a RawValue,
    value: Object<'a>,
    /// The entry of `contacts`: the person that the item is about.
    person: Object<'a>,
    /// When Meta told it; only for what is about an account.
    time: Option<DateTime<Utc>>,
}

impl<'a> Change<'a> {
    fn of(entry: &Object<'a>) -> Option<Self> {
        let change = entry.objects("changes").into_iter().next()?;
        let json = change.get("value")?;
        let value = Object::parse(json.get())?;
        // The entry of an event about a partner is a business portfolio.
        let partner = value.object("waba_info").and_then(|info| ids::waba(&info, "waba_id"));
        Some(Self {
            waba_id: partner.or_else(|| ids::waba(entry, "id")).unwrap_or_default(),
            field: change.text("field").unwrap_or_default(),
            json,
            person: value.objects("contacts").into_iter().next().unwrap_or_default(),
            value,
            time: ids::time(entry, "time"),
        })
    }

    fn first(&self, list: &str) -> Option<Item<'a>> {
        Item::of(self.value.array(list).first()?)
    }

    /// The business's own number.
    fn business_phone(&self) -> Option<String> {
        ids::phone(&self.value.object("metadata")?, &["display_phone_number"])
    }
}

/// The one thing in a change.
struct Item<'a> {
    json: &'a str,
    members: Object<'a>,
}

impl<'a> Item<'a> {
    fn of(raw: &'a RawValue) -> Option<Self> {
        Some(Self { json: raw.get(), members: Object::parse(raw.get())? })
    }
}

/// Whoever teaches [`crate::split`] another list adds a branch here.
fn update(change: &Change<'_>) -> Result<Option<Update>, DecodeError> {
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
        _ => Ok(health::decode(change)),
    }
}

#[cfg(test)]
mod tests;
