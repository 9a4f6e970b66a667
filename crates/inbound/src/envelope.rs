//! Splitting a delivery into events.
//!
//! ```text
//! { object, entry: [ { id: <WABA id>, changes: [ { field, value } ] } ] }
//! ```
//! One delivery may carry many entries, changes, messages and statuses, for several numbers and tenants.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use kernel::ids::EventId;
use kernel::{Clock, hex};
use ring::digest::{SHA256, digest};
use serde_json::value::RawValue;

use crate::json::Object;
use crate::{EventKind, NewEvent};

/// Ids of Meta's are shorter; anything longer routes nowhere.
const MAX_ROUTING_ID: usize = 64;
/// Keys are indexed; longer ones are hashed.
const MAX_KEY: usize = 200;

/// The events of a signed delivery. Nothing that is in it gets lost: what is not understood becomes an event of kind
/// `unparsed`, with the bytes as they came.
#[must_use]
pub fn split(body: &[u8], clock: &dyn Clock) -> Vec<NewEvent> {
    // Meta sends ASCII. Should a byte be no UTF-8, only the text that it stands in suffers.
    let text = String::from_utf8_lossy(body);
    let mut splitter = Splitter { clock, events: Vec::new() };
    match Object::parse(&text) {
        Some(envelope) if envelope.get("entry").is_some_and(|entry| entry.get().starts_with('[')) => {
            for entry in envelope.array("entry") {
                splitter.entry(entry);
            }
        }
        _ => splitter.unparsed(&Route::default(), body),
    }
    // The same thing twice in one delivery is one event.
    let mut seen = HashSet::new();
    splitter.events.retain(|event| seen.insert(event.dedupe_key.clone()));
    splitter.events
}

/// What each message and status gets a copy of. Whatever else stands beside them stays with the change, as an event of its
/// own: copied to a thousand messages it would fill the memory.
const SHARED: [&str; 3] = ["messaging_product", "metadata", "errors"];
const LISTS: [&str; 3] = ["contacts", "messages", "statuses"];

/// What a thing is routed by.
#[derive(Clone, Debug, Default)]
struct Route {
    phone_number_id: Option<String>,
    waba_id: Option<String>,
}

impl Route {
    /// The key of what has none of its own. Where it goes is part of it: the same bytes for two tenants are two events.
    fn fingerprint(&self, bytes: &[u8]) -> String {
        let [number, account] = [&self.phone_number_id, &self.waba_id].map(|id| id.as_deref().unwrap_or_default());
        // No id has a zero byte in it: no two routes give the same bytes.
        let route = format!("{number}\0{account}\0");
        fingerprint([route.as_bytes(), bytes].concat())
    }
}

struct Splitter<'c> {
    clock: &'c dyn Clock,
    events: Vec<NewEvent>,
}

impl Splitter<'_> {
    fn entry(&mut self, raw: &RawValue) {
        let Some(entry) = Object::parse(raw.get()) else {
            return self.unparsed(&Route::default(), raw.get().as_bytes());
        };
        let route = Route { phone_number_id: None, waba_id: routing_id(&entry, "id") };
        if !entry.get("changes").is_some_and(|changes| changes.get().starts_with('[')) {
            return self.unparsed(&route, raw.get().as_bytes());
        }
        for change in entry.array("changes") {
            self.change(&entry, &route, change);
        }
    }

    fn change(&mut self, entry: &Object<'_>, route: &Route, raw: &RawValue) {
        let change = Object::parse(raw.get());
        let Some((change, value)) = change.and_then(|change| change.object("value").map(|value| (change, value)))
        else {
            return self.unparsed(route, raw.get().as_bytes());
        };
        let metadata = value.object("metadata");
        let route = Route {
            phone_number_id: metadata.and_then(|metadata| routing_id(&metadata, "phone_number_id")),
            ..route.clone()
        };
        let field = change.text("field").unwrap_or_default();
        let items = if field == "messages" { self.items(entry, &route, &value) } else { 0 };
        if items == 0 {
            self.other(&field, &route, enclose(entry, raw.get()));
        } else if let Some(rest) = rest(&value) {
            self.other(&field, &route, enclose(entry, &rest));
        }
    }

    /// The messages and statuses of a change, each an event of its own; how many there were.
    fn items(&mut self, entry: &Object<'_>, route: &Route, value: &Object<'_>) -> usize {
        let (messages, statuses) = (value.array("messages"), value.array("statuses"));
        let people = People::of(value);
        for raw in &messages {
            let Some(message) = Object::parse(raw.get()) else {
                self.unparsed(route, raw.get().as_bytes());
                continue;
            };
            let payload = enclose(entry, &single(value, "messages", raw, people.of_message(&message)));
            let key = match (&route.phone_number_id, message.text("id")) {
                (Some(phone), Some(wamid)) => short_key(format!("m:{phone}:{wamid}")),
                _ => route.fingerprint(&payload),
            };
            self.push(EventKind::message(), route, key, payload);
        }
        for raw in &statuses {
            let Some(status) = Object::parse(raw.get()) else {
                self.unparsed(route, raw.get().as_bytes());
                continue;
            };
            let payload = enclose(entry, &single(value, "statuses", raw, people.of_status(&status)));
            let participant = ["recipient_participant_user_id", "recipient_participant_id", "participant_recipient_id"]
                .iter()
                .find_map(|name| status.text(name))
                .unwrap_or_default();
            let key = match (status.text("id"), status.text("status")) {
                (Some(wamid), Some(step)) => short_key(format!("s:{wamid}:{step}:{participant}")),
                _ => route.fingerprint(&payload),
            };
            self.push(EventKind::status(), route, key, payload);
        }
        messages.len() + statuses.len()
    }

    fn other(&mut self, field: &str, route: &Route, payload: Vec<u8>) {
        self.push(EventKind::field(field), route, route.fingerprint(&payload), payload);
    }

    fn unparsed(&mut self, route: &Route, bytes: &[u8]) {
        self.push(EventKind::unparsed(), route, route.fingerprint(bytes), bytes.to_vec());
    }

    fn push(&mut self, kind: EventKind, route: &Route, dedupe_key: String, payload: Vec<u8>) {
        let Route { phone_number_id, waba_id } = route.clone();
        let id = EventId::new(self.clock);
        self.events.push(NewEvent { id, kind, phone_number_id, waba_id, dedupe_key, payload });
    }
}

/// The `contacts` of a change: one list for all its messages and statuses.
struct People<'a> {
    entries: Vec<&'a RawValue>,
    by_bsuid: HashMap<String, &'a RawValue>,
    by_phone: HashMap<String, &'a RawValue>,
}

impl<'a> People<'a> {
    fn of(value: &Object<'a>) -> Self {
        let mut people = Self { entries: Vec::new(), by_bsuid: HashMap::new(), by_phone: HashMap::new() };
        for raw in value.array("contacts") {
            let Some(contact) = Object::parse(raw.get()) else { continue };
            people.entries.push(raw);
            if let Some(bsuid) = contact.text("user_id") {
                people.by_bsuid.entry(bsuid).or_insert(raw);
            }
            if let Some(phone) = contact.text("wa_id") {
                people.by_phone.entry(phone).or_insert(raw);
            }
        }
        people
    }

    /// The sender's entry: by BSUID, else by phone. Only a message that names nobody takes the only one there is.
    fn of_message(&self, message: &Object<'_>) -> Option<&'a RawValue> {
        match (message.text("from_user_id"), message.text("from")) {
            (None, None) => match self.entries.as_slice() {
                [only] => Some(only),
                _ => None,
            },
            (bsuid, phone) => self.find(bsuid.as_deref(), phone.as_deref()),
        }
    }

    fn of_status(&self, status: &Object<'_>) -> Option<&'a RawValue> {
        self.find(status.text("recipient_user_id").as_deref(), status.text("recipient_id").as_deref())
    }

    fn find(&self, bsuid: Option<&str>, phone: Option<&str>) -> Option<&'a RawValue> {
        let by_bsuid = bsuid.and_then(|bsuid| self.by_bsuid.get(bsuid));
        by_bsuid.or_else(|| phone.and_then(|phone| self.by_phone.get(phone))).copied()
    }
}

/// A change in Meta's shape with a single message or status in it, and who it is about.
fn single(value: &Object<'_>, list: &str, item: &RawValue, person: Option<&RawValue>) -> String {
    let mut change = String::from(r#"{"field":"messages","value":{"#);
    for (key, slice) in value.members() {
        if SHARED.contains(&key) {
            let _ = write!(change, "{}:{},", quote(key), slice.get());
        }
    }
    let _ = write!(change, r#""contacts":[{}],"#, person.map_or("", RawValue::get));
    let _ = write!(change, r#""{list}":[{}]}}}}"#, item.get());
    change
}

/// What stands beside messages and statuses and is not known, if there is anything.
fn rest(value: &Object<'_>) -> Option<String> {
    if value.members().all(|(key, _)| SHARED.contains(&key) || LISTS.contains(&key)) {
        return None;
    }
    let members = value.members().filter(|(key, _)| !LISTS.contains(key));
    let members: Vec<String> = members.map(|(key, slice)| format!("{}:{}", quote(key), slice.get())).collect();
    Some(format!(r#"{{"field":"messages","value":{{{}}}}}"#, members.join(",")))
}

/// The entry with this one change in it.
fn enclose(entry: &Object<'_>, change: &str) -> Vec<u8> {
    let mut payload = String::with_capacity(change.len() + 64);
    payload.push('{');
    for (key, slice) in entry.members().filter(|(key, _)| *key != "changes") {
        let _ = write!(payload, "{}:{},", quote(key), slice.get());
    }
    let _ = write!(payload, r#""changes":[{change}]}}"#);
    payload.into_bytes()
}

fn quote(key: &str) -> String {
    serde_json::Value::from(key).to_string()
}

fn routing_id(object: &Object<'_>, key: &str) -> Option<String> {
    object.text(key).filter(|id| id.len() <= MAX_ROUTING_ID)
}

fn short_key(key: String) -> String {
    if key.len() <= MAX_KEY { key } else { fingerprint(key) }
}

fn fingerprint(bytes: impl AsRef<[u8]>) -> String {
    format!("h:{}", hex(digest(&SHA256, bytes.as_ref()).as_ref()))
}

#[cfg(test)]
mod tests;
