//! Writes the payload of an event: slices of the bytes that Meta sent, in Meta's own shape, with a single item.

use std::fmt::Write as _;

use serde_json::value::RawValue;

use super::fields::List;
use crate::json::Object;

/// Members that are copied into each item's event. Other members beside the lists become an event of their own.
const SHARED: [&str; 3] = ["messaging_product", "metadata", "errors"];
const CONTACTS: &str = "contacts";

/// The start of an entry, up to its changes.
pub(super) fn head(entry: &Object<'_>) -> String {
    let mut head = String::from("{");
    push_members(&mut head, entry.members().filter(|(key, _)| *key != "changes"));
    head
}

/// The entry with this one change in it.
pub(super) fn enclose(head: &str, change: &str) -> Vec<u8> {
    format!(r#"{head}"changes":[{change}]}}"#).into_bytes()
}

/// The start of an entry with a single change, up to what each item has of its own.
pub(super) fn shared(head: &str, field: &str, value: &Object<'_>) -> String {
    let mut shared = format!(r#"{head}"changes":[{{"field":{},"value":{{"#, quote(field));
    push_members(&mut shared, SHARED.iter().filter_map(|key| Some((*key, value.get(key)?))));
    shared
}

/// The text before and after an item in its payload.
#[derive(Debug)]
pub(super) struct PayloadTemplate<'a> {
    shared: &'a str,
    open: String,
    close: &'static str,
}

impl<'a> PayloadTemplate<'a> {
    pub(super) fn list(shared: &'a str, list: &List) -> Self {
        Self { shared, open: format!(r#""{}":["#, list.name), close: "]}}]}" }
    }

    /// For a message of `history`; `members` are those of its thread.
    pub(super) fn thread<'t>(shared: &'a str, members: impl Iterator<Item = (&'t str, &'t RawValue)>) -> Self {
        let mut open = String::from(r#""history":[{"threads":[{"#);
        push_members(&mut open, members);
        open.push_str(r#""messages":["#);
        Self { shared, open, close: "]}]}]}}]}" }
    }

    /// Bytes that each payload has beside the item.
    pub(super) const fn len(&self) -> usize {
        self.shared.len() + self.open.len()
    }

    pub(super) fn render(&self, item: &str, person: Option<&RawValue>) -> Vec<u8> {
        let Self { shared, open, close } = self;
        format!(r#"{shared}"{CONTACTS}":[{}],{open}{item}{close}"#, person.map_or("", RawValue::get)).into_bytes()
    }
}

/// The change without the lists that were split, if it has other members. A member that is not an array was not split.
pub(super) fn rest(change: &Object<'_>, value: &Object<'_>, field: &str, lists: &[List]) -> Option<String> {
    let split =
        |key: &str, slice: &RawValue| is_array(slice) && (key == CONTACTS || lists.iter().any(|list| list.name == key));
    let more_of_change = || change.members().filter(|(key, _)| !matches!(*key, "field" | "value"));
    let more_of_value = || value.members().filter(|(key, slice)| !split(key, slice));
    if more_of_change().next().is_none() && more_of_value().all(|(key, _)| SHARED.contains(&key)) {
        return None;
    }
    let mut rest = String::from("{");
    push_members(&mut rest, more_of_change());
    let _ = write!(rest, r#""field":{},"value":{}}}"#, quote(field), object(more_of_value()));
    Some(rest)
}

pub(super) fn object<'a>(members: impl Iterator<Item = (&'a str, &'a RawValue)>) -> String {
    let mut object = String::from("{");
    push_members(&mut object, members);
    if object.ends_with(',') {
        object.pop();
    }
    object.push('}');
    object
}

pub(super) fn is_array(slice: &RawValue) -> bool {
    slice.get().starts_with('[')
}

/// Appends each member, followed by a comma.
fn push_members<'a>(json: &mut String, members: impl Iterator<Item = (&'a str, &'a RawValue)>) {
    for (key, slice) in members {
        let _ = write!(json, "{}:{},", quote(key), slice.get());
    }
}

fn quote(key: &str) -> String {
    serde_json::Value::from(key).to_string()
}
