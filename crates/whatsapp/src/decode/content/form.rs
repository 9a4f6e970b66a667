//! Answers of forms: replies to a flow or to a request for an address.

use kernel::ContentPartKind as Kind;

use super::builder::ContentBuilder;
use crate::json::{Object, items, text};
use serde_json::value::RawValue;

/// Answers nested deeper are left out.
const MAX_DEPTH: usize = 6;

/// A secret of the business that sent the form.
const TOKEN: &str = "flow_token";

pub(super) fn form(content: &mut ContentBuilder, reply: &Object<'_>) {
    let is_address = reply.text("name").as_deref() == Some("address_message");
    let what = if is_address { "Address sent" } else { "Form sent" };
    content.line(reply.text("body").or_else(|| Some(what.to_owned())));
    // A text of JSON. Some senders write the JSON itself.
    let Some(raw) = reply.get("response_json") else { return };
    let json = text(raw).unwrap_or_else(|| raw.get().to_owned());
    let answers = Object::parse(&json).unwrap_or_default();
    // The values of an address are in an object of their own.
    let values = answers.object("values").filter(|_| is_address);
    object(content, "", &values.unwrap_or(answers), 0);
}

fn object(content: &mut ContentBuilder, path: &str, object: &Object<'_>, depth: usize) {
    for (name, value) in object.members().filter(|(name, _)| *name != TOKEN) {
        let name = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        answer(content, &name, value, depth);
    }
}

/// A text, a number, a yes or no, or several of them; answers within answers by their path.
fn answer(content: &mut ContentBuilder, name: &str, value: &RawValue, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    if let Some(inner) = Object::parse(value.get()) {
        object(content, name, &inner, depth + 1);
        return;
    }
    let Some(items) = items(value) else {
        content.say(Kind::Answer, name, scalar(value));
        return;
    };
    let chosen: Vec<String> = items.iter().filter_map(|item| scalar(item)).collect();
    content.say(Kind::Answer, name, (!chosen.is_empty()).then(|| chosen.join(", ")));
    for item in items.into_iter().filter(|item| scalar(item).is_none()) {
        answer(content, name, item, depth + 1);
    }
}

fn scalar(value: &RawValue) -> Option<String> {
    match value.get() {
        "true" => Some("yes".to_owned()),
        "false" => Some("no".to_owned()),
        _ => text(value).filter(|text| !text.trim().is_empty()),
    }
}
