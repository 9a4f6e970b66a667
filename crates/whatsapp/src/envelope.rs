//! Splitting a delivery into events.
//!
//! ```text
//! { object, entry: [ { id: <WABA id>, changes: [ { field, value } ] } ] }
//! ```
//! One delivery may carry many entries, changes, messages and statuses, for several numbers and tenants.

mod fields;
mod history;
mod payload;
mod people;

use std::collections::HashSet;

use kernel::ids::EventId;
use kernel::{Clock, hex};
use ring::digest::{SHA256, digest};
use serde_json::value::RawValue;

use crate::json::Object;
use crate::{EventKind, NewEvent};
pub(crate) use fields::PARTICIPANT;
use fields::{CHUNK, List};
use payload::PayloadTemplate;
use people::Contacts;

/// Ids of Meta's are shorter; anything longer routes nowhere.
const MAX_ROUTING_ID: usize = 64;
/// Keys are indexed; longer ones are hashed.
const MAX_KEY: usize = 200;
/// What all items of a delivery may get copied of what they share. Meta's 1,000 updates need a thirtieth of it. Without a
/// limit, somebody who signs deliveries with an app of their own could fill the memory with a few megabytes.
const MAX_COPIED: usize = 16 << 20;

/// The events of a signed delivery. Nothing that is in it gets lost: what is not understood becomes an event of kind
/// `unparsed`, with the bytes as they came.
#[must_use]
pub fn split(body: &[u8], clock: &dyn Clock) -> Vec<NewEvent> {
    // Meta sends ASCII. Should a byte be no UTF-8, only the text that it stands in suffers.
    let text = String::from_utf8_lossy(body);
    let mut splitter = Splitter { clock, events: Vec::new(), seen: HashSet::new(), found: 0, copies_left: MAX_COPIED };
    match Object::parse(&text) {
        Some(envelope) if envelope.get("entry").is_some_and(|entry| entry.get().starts_with('[')) => {
            for entry in envelope.array("entry") {
                splitter.entry(entry);
            }
        }
        _ => splitter.unparsed(&Route::default(), body),
    }
    splitter.events
}

/// What a thing is routed by.
#[derive(Clone, Debug, Default)]
struct Route {
    phone_number_id: Option<String>,
    waba_id: Option<String>,
}

impl Route {
    /// The route of a change, given that of its entry.
    fn of_change(&self, value: &Object<'_>) -> Self {
        let inner = |object: &str, key: &str| value.object(object).and_then(|object| routing_id(&object, key));
        Self {
            // Who is handed a thread is named as its recipient.
            phone_number_id: inner("metadata", "phone_number_id").or_else(|| inner("recipient", "phone_number_id")),
            // The entry of an event about a partner is a business portfolio.
            waba_id: inner("waba_info", "waba_id").or_else(|| self.waba_id.clone()),
        }
    }

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
    /// The same thing twice in one delivery is one event.
    seen: HashSet<String>,
    /// How many things there were, with those that had been seen.
    found: usize,
    copies_left: usize,
}

/// What the items of a change have in common.
struct ChangeContext<'a> {
    route: &'a Route,
    field: &'a str,
    people: Contacts<'a>,
    /// Whoever an item that names nobody is about.
    only: Option<&'a RawValue>,
}

impl Splitter<'_> {
    fn entry(&mut self, raw: &RawValue) {
        let Some(entry) = Object::parse(raw.get()) else {
            return self.unparsed(&Route::default(), raw.get().as_bytes());
        };
        let route = Route { phone_number_id: None, waba_id: routing_id(&entry, "id") };
        if !entry.get("changes").is_some_and(payload::is_array) {
            return self.unparsed(&route, raw.get().as_bytes());
        }
        let head = payload::head(&entry);
        for change in entry.array("changes") {
            self.change(&head, &route, change);
        }
    }

    fn change(&mut self, head: &str, route: &Route, raw: &RawValue) {
        let change = Object::parse(raw.get());
        let parts = change.and_then(|change| change.object("value").map(|value| (change, value)));
        let Some((change, value)) = parts.filter(|_| self.may_copy(head.len())) else {
            return self.unparsed(route, raw.get().as_bytes());
        };
        let route = route.of_change(&value);
        let field = change.text("field").unwrap_or_default();
        let mut lists = fields::lists(&field);
        let before = self.found;
        if !lists.is_empty() {
            let shared = payload::shared(head, &field, &value);
            let context = self.lists(&lists, &route, &field, &value, &shared);
            if field == history::FIELD {
                self.chunks(&value, &ChangeContext { only: None, ..context }, &shared);
                lists.push(CHUNK);
            }
        }
        if self.found == before {
            self.other(&field, &route, payload::enclose(head, raw.get()));
        } else if let Some(rest) = payload::rest(&change, &value, &field, &lists) {
            self.other(&field, &route, payload::enclose(head, &rest));
        }
    }

    /// Each item of the lists of a change as an event of its own.
    fn lists<'a>(
        &mut self,
        lists: &[List],
        route: &'a Route,
        field: &'a str,
        value: &Object<'a>,
        shared: &str,
    ) -> ChangeContext<'a> {
        let items_of = |list: &List| -> Vec<(&RawValue, Option<Object<'_>>)> {
            value.array(list.name).into_iter().map(|raw| (raw, Object::parse(raw.get()))).collect()
        };
        let lists: Vec<_> = lists.iter().map(|list| (list, items_of(list))).collect();
        let people = Contacts::of(value);
        let named = |(list, items): &(&List, Vec<(_, Option<Object<'_>>)>)| {
            items.iter().any(|(_, item)| item.as_ref().is_some_and(|item| list.names_person(item)))
        };
        // Were it about somebody whom another item names, it would be said to be theirs.
        let only = if lists.iter().any(named) { None } else { people.only() };
        let context = ChangeContext { route, field, people, only };
        for (list, items) in &lists {
            let template = PayloadTemplate::list(shared, list);
            for (raw, item) in items {
                self.item(list, &context, &template, raw.get(), item.as_ref());
            }
        }
        context
    }

    fn item(
        &mut self,
        list: &List,
        context: &ChangeContext<'_>,
        template: &PayloadTemplate<'_>,
        json: &str,
        item: Option<&Object<'_>>,
    ) {
        let ChangeContext { route, field, people, only } = context;
        let person = item.and_then(|item| people.contact_of(list, item).or(*only));
        let copied = template.len() + person.map_or(0, |person| person.get().len());
        let Some(item) = item.filter(|_| self.may_copy(copied)) else {
            return self.unparsed(route, json.as_bytes());
        };
        let payload = template.render(json, person);
        let key = list.key(item, route.phone_number_id.as_deref());
        let key = key.map_or_else(|| route.fingerprint(&payload), short_key);
        self.push(list.event_kind(field), route, key, payload);
    }

    fn may_copy(&mut self, bytes: usize) -> bool {
        let left = self.copies_left.checked_sub(bytes);
        self.copies_left = left.unwrap_or(self.copies_left);
        left.is_some()
    }

    fn other(&mut self, field: &str, route: &Route, payload: Vec<u8>) {
        self.push(EventKind::field(field), route, route.fingerprint(&payload), payload);
    }

    fn unparsed(&mut self, route: &Route, bytes: &[u8]) {
        self.push(EventKind::unparsed(), route, route.fingerprint(bytes), bytes.to_vec());
    }

    fn push(&mut self, kind: EventKind, route: &Route, dedupe_key: String, payload: Vec<u8>) {
        self.found += 1;
        if !self.seen.insert(dedupe_key.clone()) {
            return;
        }
        let Route { phone_number_id, waba_id } = route.clone();
        let id = EventId::new(self.clock);
        self.events.push(NewEvent { id, kind, phone_number_id, waba_id, dedupe_key, payload });
    }
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
mod fuzz;
#[cfg(test)]
mod tests;
