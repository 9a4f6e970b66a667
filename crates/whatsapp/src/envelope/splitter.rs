//! Splits entries and changes, and collects the events.

use std::collections::HashSet;

use kernel::Clock;
use kernel::ids::EventId;
use ring::digest::{SHA256, digest};
use serde_json::value::RawValue;

use super::contacts::Contacts;
use super::fields::{self, CHUNK, HISTORY, List};
use super::payload::{self, PayloadTemplate};
use crate::json::Object;
use crate::{EventKind, NewEvent};

/// Meta's ids are shorter; longer ones are ignored.
const MAX_ROUTING_ID: usize = 64;
/// Keys are indexed; longer ones are hashed.
pub(super) const MAX_KEY: usize = 200;
/// Bytes of an event's payload. Meta's are a hundredth of it. A larger one is kept as it is, and not decoded: it would fill the
/// memory of its reader.
pub(super) const MAX_ITEM: usize = 128 << 10;
/// Bytes of shared parts that are copied into the events of one delivery, at most. Meta's 1,000 updates need a thirtieth of
/// it. Without a limit, a tenant could fill the memory with a delivery of a few megabytes, signed by their own app.
pub(super) const MAX_COPIED: usize = 16 << 20;

/// The ids that an event is routed by.
#[derive(Clone, Debug, Default)]
pub(super) struct Route {
    phone_number_id: Option<String>,
    waba_id: Option<String>,
}

impl Route {
    /// The route of a change, given that of its entry.
    fn of_change(&self, value: &Object<'_>) -> Self {
        let inner = |object: &str, key: &str| value.object(object).and_then(|object| routing_id(&object, key));
        Self {
            // In a hand-over the number is named as the recipient.
            phone_number_id: inner("metadata", "phone_number_id").or_else(|| inner("recipient", "phone_number_id")),
            // In an event about a partner the entry's id is a business portfolio.
            waba_id: inner("waba_info", "waba_id").or_else(|| self.waba_id.clone()),
        }
    }

    /// The key of an event without an id. The route is part of it: the same bytes for two tenants are two events.
    fn fingerprint(&self, bytes: &[u8]) -> String {
        let [number, account] = [&self.phone_number_id, &self.waba_id].map(|id| id.as_deref().unwrap_or_default());
        // Ids have no zero byte, so no two routes give the same bytes.
        let route = format!("{number}\0{account}\0");
        fingerprint([route.as_bytes(), bytes].concat())
    }
}

/// Collects the events of a delivery.
pub(super) struct Splitter<'c> {
    clock: &'c dyn Clock,
    events: Vec<NewEvent>,
    /// Keys of this delivery: a repeated item is one event.
    seen: HashSet<String>,
    /// Number of items found, including repeated ones.
    found: usize,
    copies_left: usize,
}

/// What the items of a change share.
pub(super) struct ChangeContext<'a> {
    pub(super) route: &'a Route,
    field: &'a str,
    contacts: Contacts<'a>,
    /// The only contact, if no item names a person: then all items are about it.
    only: Option<&'a RawValue>,
}

impl<'c> Splitter<'c> {
    pub(super) fn new(clock: &'c dyn Clock) -> Self {
        Self { clock, events: Vec::new(), seen: HashSet::new(), found: 0, copies_left: MAX_COPIED }
    }

    pub(super) fn into_events(self) -> Vec<NewEvent> {
        self.events
    }

    pub(super) fn entry(&mut self, raw: &RawValue) {
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
            if field == HISTORY {
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

    /// Makes an event of each item of the lists of a change.
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
        let contacts = Contacts::of(value);
        let named = |(list, items): &(&List, Vec<(_, Option<Object<'_>>)>)| {
            items.iter().any(|(_, item)| item.as_ref().is_some_and(|item| list.names_person(item)))
        };
        // If another item names a person, the contact may be that person.
        let only = if lists.iter().any(named) { None } else { contacts.only() };
        let context = ChangeContext { route, field, contacts, only };
        for (list, items) in &lists {
            let template = PayloadTemplate::list(shared, list);
            for (raw, item) in items {
                self.item(list, &context, &template, raw.get(), item.as_ref());
            }
        }
        context
    }

    pub(super) fn item(
        &mut self,
        list: &List,
        context: &ChangeContext<'_>,
        template: &PayloadTemplate<'_>,
        json: &str,
        item: Option<&Object<'_>>,
    ) {
        let ChangeContext { route, field, contacts, only } = context;
        let person = item.and_then(|item| contacts.contact_of(list, item).or(*only));
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

    pub(super) fn unparsed(&mut self, route: &Route, bytes: &[u8]) {
        self.push(EventKind::unparsed(), route, route.fingerprint(bytes), bytes.to_vec());
    }

    fn push(&mut self, kind: EventKind, route: &Route, dedupe_key: String, payload: Vec<u8>) {
        self.found += 1;
        if !self.seen.insert(dedupe_key.clone()) {
            return;
        }
        let Route { phone_number_id, waba_id } = route.clone();
        let id = EventId::new(self.clock);
        let kind = if payload.len() > MAX_ITEM { EventKind::unparsed() } else { kind };
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
    format!("h:{}", hex::encode(digest(&SHA256, bytes.as_ref()).as_ref()))
}
