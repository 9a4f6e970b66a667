use kernel::{ContentPart, ContentPartKind};

use crate::decode::length;

/// What a message says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageContent {
    /// Readable text; never empty.
    pub text: String,
    /// The structure of the text; empty for plain words.
    pub parts: Vec<ContentPart>,
}

/// More parts than any form or order has.
pub(super) const MAX_PARTS: usize = 200;

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

/// The parts that there are.
pub(super) fn joined(parts: impl IntoIterator<Item = Option<String>>, separator: &str) -> Option<String> {
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(separator))
}
