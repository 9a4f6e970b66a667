//! What a message says: readable text, and its structure as parts.
//!
//! A part that is said is a line of the text as well; a detail is a part only. Each file of `content/` reads one kind of body.

mod builder;
mod business;
mod card;
mod form;
mod order;
mod origin;
mod reply;

use kernel::ContentPartKind;

use super::{ids, readable};
use crate::json::Object;
pub use builder::MessageContent;
use builder::{ContentBuilder, joined};

impl MessageContent {
    /// The content of a message as stored: JSON, as received. `None` if it is no object with a type.
    #[must_use]
    pub fn of_payload(payload: &str) -> Option<Self> {
        let message = Object::parse(payload)?;
        let kind = ids::word(&message, "type")?;
        let body = message.object(&kind).unwrap_or_default();
        Some(content(&kind, &message, &body))
    }
}

/// What a message says, or the name of its type; then what led to it. The text is never empty.
pub(super) fn content(kind: &str, message: &Object<'_>, body: &Object<'_>) -> MessageContent {
    let mut content = ContentBuilder::default();
    body_content(&mut content, kind, message, body);
    if content.is_empty() {
        content.line(Some(readable::delivery_error(message).unwrap_or_else(|| readable::label(kind, message, body))));
    }
    origin::origin(&mut content, message);
    content.build()
}

/// Adds what a message of this kind says; nothing for a kind without content.
fn body_content(content: &mut ContentBuilder, kind: &str, message: &Object<'_>, body: &Object<'_>) {
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

#[cfg(test)]
mod tests;
