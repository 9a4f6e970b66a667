//! Splitting a delivery into events.
//!
//! ```text
//! { object, entry: [ { id: <WABA id>, changes: [ { field, value } ] } ] }
//! ```
//! One delivery may carry many entries, changes, messages and statuses, for several numbers and tenants.

use std::borrow::Cow;
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
    splitter.events
}

/// What a thing is routed by.
#[derive(Clone, Debug, Default)]
struct Route {
    phone_number_id: Option<String>,
    waba_id: Option<String>,
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
            let key = fingerprint(raw.get());
            self.push(EventKind::field(&field), &route, key, enclose(entry, raw.get()));
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
            let key = match (&route.phone_number_id, message.text("id")) {
                (Some(phone), Some(wamid)) => short_key(format!("m:{phone}:{wamid}")),
                _ => fingerprint(raw.get()),
            };
            let payload = enclose(entry, &single(value, "messages", raw, people.of_message(&message)));
            self.push(EventKind::message(), route, key, payload);
        }
        for raw in &statuses {
            let Some(status) = Object::parse(raw.get()) else {
                self.unparsed(route, raw.get().as_bytes());
                continue;
            };
            let participant = ["recipient_participant_user_id", "recipient_participant_id", "participant_recipient_id"]
                .iter()
                .find_map(|name| status.text(name))
                .unwrap_or_default();
            let key = match (status.text("id"), status.text("status")) {
                (Some(wamid), Some(step)) => short_key(format!("s:{wamid}:{step}:{participant}")),
                _ => fingerprint(raw.get()),
            };
            let payload = enclose(entry, &single(value, "statuses", raw, people.of_status(&status)));
            self.push(EventKind::status(), route, key, payload);
        }
        messages.len() + statuses.len()
    }

    fn unparsed(&mut self, route: &Route, bytes: &[u8]) {
        self.push(EventKind::unparsed(), route, fingerprint(bytes), bytes.to_vec());
    }

    fn push(&mut self, kind: EventKind, route: &Route, dedupe_key: String, payload: Vec<u8>) {
        let Route { phone_number_id, waba_id } = route.clone();
        let id = EventId::new(self.clock);
        self.events.push(NewEvent { id, kind, phone_number_id, waba_id, dedupe_key, payload });
    }
}

/// The `contacts` of a change: one list for all its messages and statuses.
struct People<'a>(Vec<(Object<'a>, &'a RawValue)>);

impl<'a> People<'a> {
    fn of(value: &Object<'a>) -> Self {
        Self(
            value
                .array("contacts")
                .into_iter()
                .filter_map(|raw| Object::parse(raw.get()).map(|contact| (contact, raw)))
                .collect(),
        )
    }

    /// The sender's entry: by BSUID, else by phone. Only a message that names nobody takes the only one there is.
    fn of_message(&self, message: &Object<'_>) -> Option<&'a RawValue> {
        let (bsuid, phone) = (message.text("from_user_id"), message.text("from"));
        if bsuid.is_none() && phone.is_none() {
            return match self.0.as_slice() {
                [(_, only)] => Some(only),
                _ => None,
            };
        }
        self.find(bsuid, phone)
    }

    fn of_status(&self, status: &Object<'_>) -> Option<&'a RawValue> {
        self.find(status.text("recipient_user_id"), status.text("recipient_id"))
    }

    fn find(&self, bsuid: Option<String>, phone: Option<String>) -> Option<&'a RawValue> {
        let by = |key: &str, value: Option<String>| {
            let value = value?;
            self.0.iter().find(|(contact, _)| contact.text(key).as_ref() == Some(&value)).map(|(_, raw)| *raw)
        };
        by("user_id", bsuid).or_else(|| by("wa_id", phone))
    }
}

/// A change in Meta's shape with a single message or status in it, and who it is about.
fn single(value: &Object<'_>, list: &str, item: &RawValue, person: Option<&RawValue>) -> String {
    let mut change = String::from(r#"{"field":"messages","value":{"#);
    for (key, slice) in value.members() {
        if !matches!(key, "contacts" | "messages" | "statuses") {
            let _ = write!(change, "{}:{},", quote(key), slice.get());
        }
    }
    let _ = write!(change, r#""contacts":[{}],"#, person.map_or("", RawValue::get));
    let _ = write!(change, r#""{list}":[{}]}}}}"#, item.get());
    change
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

fn quote(key: &str) -> Cow<'_, str> {
    serde_json::to_string(key).map_or(Cow::Borrowed("\"\""), Cow::Owned)
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
mod tests {
    use kernel::SystemClock;

    use super::*;

    fn split(body: &str) -> Vec<NewEvent> {
        super::split(body.as_bytes(), &SystemClock::new())
    }

    fn delivery(value: &str) -> String {
        format!(
            r#"{{"object":"whatsapp_business_account","entry":[{{"id":"900","changes":[{{"value":{value},"field":"messages"}}]}}]}}"#
        )
    }

    fn value(rest: &str) -> String {
        format!(
            r#"{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"15550001","phone_number_id":"100"}},{rest}}}"#
        )
    }

    #[test]
    fn each_message_and_status_is_an_event_with_its_own_person() {
        let events = split(&delivery(&value(
            r#""contacts":[{"wa_id":"1","user_id":"US.1"},{"wa_id":"2"}],
               "messages":[{"id":"wamid.A","from":"2"},{"id":"wamid.B","from_user_id":"US.1"}],
               "statuses":[{"id":"wamid.C","status":"read","recipient_id":"1"}]"#,
        )));
        let keys: Vec<&str> = events.iter().map(|event| event.dedupe_key.as_str()).collect();
        assert_eq!(keys, ["m:100:wamid.A", "m:100:wamid.B", "s:wamid.C:read:"]);
        let payload = |n: usize| String::from_utf8(events[n].payload.clone()).unwrap();
        assert!(payload(0).contains(r#""contacts":[{"wa_id":"2"}]"#) && !payload(0).contains("wamid.B"));
        assert!(payload(1).contains("US.1") && payload(1).contains(r#""id":"900""#));
        assert!(events.iter().all(|event| event.phone_number_id.as_deref() == Some("100")));
        assert!(events.iter().all(|event| serde_json::from_slice::<serde_json::Value>(&event.payload).is_ok()));
    }

    #[test]
    fn the_same_thing_has_the_same_key_however_it_is_grouped() {
        let (a, b) = (r#"{"id":"wamid.A","from":"1"}"#, r#"{"id":"wamid.B","from":"1"}"#);
        let together = split(&delivery(&value(&format!(r#""messages":[{a},{b}]"#))));
        let alone = split(&delivery(&value(&format!(r#""messages":[{b}]"#))));
        assert_eq!(together[1].dedupe_key, alone[0].dedupe_key);
    }

    #[test]
    fn what_is_not_understood_is_kept_and_harms_nothing() {
        let events = split(&delivery(&value(r#""messages":[7,{"id":"wamid.A"},null,{}]"#)));
        let kinds: Vec<&str> = events.iter().map(|event| event.kind.as_str()).collect();
        assert_eq!(kinds, ["unparsed", "message", "unparsed", "message"]);
        for body in [
            "",
            "no json",
            "[]",
            "{}",
            r#"{"entry":{}}"#,
            r#"{"entry":[{"id":"900"}]}"#,
            r#"{"entry":[{"id":"900","changes":[{}]}]}"#,
        ] {
            let events = split(body);
            assert_eq!((events.len(), events[0].kind.as_str()), (1, "unparsed"), "{body}");
        }
        assert_eq!(split(r#"{"object":"whatsapp_business_account","entry":[]}"#).len(), 0);
        assert_eq!(super::split(b"\xff\xfe", &SystemClock::new())[0].payload, b"\xff\xfe");
    }

    #[test]
    fn other_changes_are_events_of_their_field() {
        let change = |field: &str| {
            split(&format!(r#"{{"entry":[{{"id":900,"changes":[{{"field":{field},"value":{{"event":"X"}}}}]}}]}}"#))
        };
        let events = change(r#""account_update""#);
        assert_eq!(events[0].kind.as_str(), "account_update");
        assert_eq!((events[0].waba_id.as_deref(), events[0].phone_number_id.as_deref()), (Some("900"), None));
        assert!(events[0].dedupe_key.starts_with("h:"));
        assert_eq!(change(r#""Ünknown field""#)[0].kind.as_str(), "other");
        assert_eq!(change("7")[0].kind.as_str(), "7");
        // `messages` with neither messages nor statuses, such as errors of the account.
        assert_eq!(split(&delivery(&value(r#""errors":[{"code":131000}]"#)))[0].kind.as_str(), "messages");
    }

    #[test]
    fn long_keys_are_hashed() {
        let events = split(&delivery(&value(&format!(r#""messages":[{{"id":"{}"}}]"#, "x".repeat(5_000)))));
        assert_eq!(events[0].dedupe_key.len(), 66);
    }
}
