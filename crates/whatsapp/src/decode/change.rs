use chrono::{DateTime, Utc};
use serde_json::value::RawValue;

use super::ids;
use crate::json::Object;

/// The change of an event.
pub(super) struct Change<'a> {
    pub(super) waba_id: String,
    pub(super) field: String,
    pub(super) json: &'a RawValue,
    pub(super) value: Object<'a>,
    /// The entry of `contacts` for the person of the item.
    pub(super) person: Object<'a>,
    /// The time of the entry; only for changes about an account.
    pub(super) time: Option<DateTime<Utc>>,
}

impl<'a> Change<'a> {
    pub(super) fn of(entry: &Object<'a>) -> Option<Self> {
        let change = entry.objects("changes").into_iter().next()?;
        let json = change.get("value")?;
        let value = Object::parse(json.get())?;
        // In an event about a partner the entry's id is a business portfolio.
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

    pub(super) fn first(&self, list: &str) -> Option<Item<'a>> {
        Item::of(self.value.array(list).first()?)
    }

    /// The business's own phone number.
    pub(super) fn business_phone(&self) -> Option<String> {
        ids::phone(&self.value.object("metadata")?, &["display_phone_number"])
    }
}

/// The item of a change.
pub(super) struct Item<'a> {
    pub(super) json: &'a str,
    pub(super) members: Object<'a>,
}

impl<'a> Item<'a> {
    pub(super) fn of(raw: &'a RawValue) -> Option<Self> {
        Some(Self { json: raw.get(), members: Object::parse(raw.get())? })
    }
}
