use std::collections::HashMap;

use serde_json::value::RawValue;

use super::fields::List;
use crate::json::Object;

/// The `contacts` of a change: one list for all items. Each item's event gets the entry of its person only.
#[derive(Debug, Default)]
pub(super) struct Contacts<'a> {
    entries: Vec<&'a RawValue>,
    by_bsuid: HashMap<String, &'a RawValue>,
    by_phone: HashMap<String, &'a RawValue>,
}

impl<'a> Contacts<'a> {
    pub(super) fn of(value: &Object<'a>) -> Self {
        let mut people = Self::default();
        for raw in value.array("contacts") {
            let Some(contact) = Object::parse(raw.get()) else { continue };
            people.entries.push(raw);
            if let Some(bsuid) = contact.text("user_id") {
                people.by_bsuid.entry(bsuid).or_insert(raw);
            }
            if let Some(phone) = phone(&contact, "wa_id") {
                people.by_phone.entry(phone).or_insert(raw);
            }
        }
        people
    }

    /// The entry of an item's person: by BSUID, else by phone number.
    pub(super) fn contact_of(&self, list: &List, item: &Object<'_>) -> Option<&'a RawValue> {
        let by_bsuid = || list.people.iter().find_map(|(bsuid, _)| self.by_bsuid.get(&item.text(bsuid)?));
        let by_phone = || list.people.iter().find_map(|(_, key)| self.by_phone.get(&phone(item, key)?));
        if self.entries.is_empty() {
            return None;
        }
        by_bsuid().or_else(by_phone).copied()
    }

    /// The entry, if there is exactly one.
    pub(super) fn only(&self) -> Option<&'a RawValue> {
        match self.entries.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }
}

/// A phone number as digits: it can have a `+` in one place and none in another.
fn phone(object: &Object<'_>, key: &str) -> Option<String> {
    let digits: String = object.text(key)?.chars().filter(char::is_ascii_digit).collect();
    (!digits.is_empty()).then_some(digits)
}
