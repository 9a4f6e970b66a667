//! What a message says: readable text, and its structure as parts.
//!
//! A part that is said is a line of the text as well; a detail is a part only. Each file of `content/` reads one kind of body.

mod business;
mod card;
mod form;
mod order;
mod origin;
mod reply;

use kernel::{ContentPart, ContentPartKind};

use super::{length, readable};
use crate::json::Object;

pub(super) use origin::origin;

/// What a message says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageContent {
    /// Readable text; never empty.
    pub text: String,
    /// The structure of the text; empty for plain words.
    pub parts: Vec<ContentPart>,
}

impl MessageContent {
    /// The content of a message as stored: JSON, as received. `None` if it is no object with a type.
    #[must_use]
    pub fn of_payload(payload: &str) -> Option<Self> {
        let message = Object::parse(payload)?;
        let kind = super::ids::word(&message, "type")?;
        let body = message.object(&kind).unwrap_or_default();
        Some(readable::content(&kind, &message, &body))
    }
}

/// More parts than any form or order has.
const MAX_PARTS: usize = 200;

/// Collects lines and parts. The parts together are as long as a text may be.
#[derive(Debug, Default)]
pub(super) struct ContentBuilder {
    lines: Vec<String>,
    parts: Vec<ContentPart>,
    characters: usize,
}

impl ContentBuilder {
    pub(super) const fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// A line of the text that is no part.
    pub(super) fn line(&mut self, line: Option<String>) {
        self.lines.extend(line);
    }

    /// A part that is a line of the text.
    pub(super) fn say(&mut self, kind: ContentPartKind, label: &str, value: Option<String>) {
        let Some(value) = value else { return };
        let line = if is_named(kind) { format!("{label}: {value}") } else { value.clone() };
        self.say_as(line, kind, label, value);
    }

    /// A part that the text says in its own words.
    pub(super) fn say_as(&mut self, line: String, kind: ContentPartKind, label: &str, value: String) {
        self.lines.push(line);
        self.detail(kind, label, Some(value));
    }

    /// A part that the text does not say.
    pub(super) fn detail(&mut self, kind: ContentPartKind, label: &str, value: Option<String>) {
        let Some(value) = value.map(length::caption) else { return };
        let label = length::label(label.to_owned());
        self.characters += label.chars().count() + value.chars().count();
        if self.parts.len() < MAX_PARTS && self.characters <= length::MAX_TEXT {
            self.parts.push(ContentPart { label, value, kind });
        }
    }

    pub(super) fn build(self) -> MessageContent {
        MessageContent { text: length::text(self.lines.join("\n")), parts: self.parts }
    }
}

/// Whether the text says what the value is. Other values say it themselves.
const fn is_named(kind: ContentPartKind) -> bool {
    use ContentPartKind::{Address, Advert, Answer, Date, Email, Organization, Phone, Product, Total, Url};
    matches!(kind, Address | Advert | Answer | Date | Email | Organization | Phone | Product | Total | Url)
}

/// Adds what a message of this kind says; nothing for a kind without content.
pub(super) fn body(content: &mut ContentBuilder, kind: &str, message: &Object<'_>, body: &Object<'_>) {
    match kind {
        "text" => content.line(body.text("body")),
        "image" | "video" | "sticker" => content.line(readable::caption(body)),
        "document" => content.line(readable::caption(body).or_else(|| readable::filename(body))),
        "audio" | "voice" | "reaction" | "revoke" | "request_welcome" | "media_placeholder" => {}
        "location" => location(content, body),
        "contacts" => card::cards(content, &message.objects("contacts")),
        "interactive" => reply::interactive(content, body),
        "button" => content.line(body.text("text").or_else(|| body.text("payload"))),
        "order" => order::order(content, body),
        "template" => business::template(content, body),
        "edit" => content.line(readable::edited(body)),
        _ => reply::any(
            content,
            if kind.starts_with("poll") { ContentPartKind::Question } else { ContentPartKind::Title },
            body,
        ),
    }
}

/// Name and address, else the coordinates.
fn location(content: &mut ContentBuilder, body: &Object<'_>) {
    let (name, address) = (body.text("name"), body.text("address"));
    let coordinates = body
        .text("latitude")
        .zip(body.text("longitude"))
        .map(|(latitude, longitude)| format!("{latitude}, {longitude}"));
    content.line(joined([name.clone(), address.clone()], ", ").or_else(|| coordinates.clone()));
    content.detail(ContentPartKind::Name, "Name", name);
    content.detail(ContentPartKind::Address, "Address", address);
    content.detail(ContentPartKind::Coordinates, "Coordinates", coordinates);
    content.detail(ContentPartKind::Url, "Link", body.text("url"));
}

fn joined(parts: impl IntoIterator<Item = Option<String>>, separator: &str) -> Option<String> {
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(separator))
}

#[cfg(test)]
mod tests;
