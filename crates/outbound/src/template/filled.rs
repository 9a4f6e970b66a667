use kernel::{ContentPart, ContentPartKind};
use serde_json::{Map, Value, json};

use super::call::TemplateCall;
use super::component::ButtonType;
use crate::content::location::Location;
use kernel::MediaKind;

/// A template whose gaps are filled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilledTemplate {
    /// The call with components, ready to be sent.
    pub call: TemplateCall,
    /// What the customer will see.
    pub rendered: RenderedPart,
}

/// What the customer sees of a template, or of a card of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RenderedPart {
    pub header: Option<RenderedHeader>,
    pub body: Option<String>,
    pub footer: Option<String>,
    pub buttons: Vec<RenderedButton>,
    pub cards: Vec<Self>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RenderedHeader {
    Text(String),
    Media(MediaKind),
    /// `None` if the place is not given yet.
    Location(Option<Location>),
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderedButton {
    pub kind: Option<ButtonType>,
    pub text: String,
    pub url: Option<String>,
}

impl FilledTemplate {
    /// The text of the message: the body, or the name of the template if it has none.
    #[must_use]
    pub fn text(&self) -> String {
        self.rendered.body.clone().unwrap_or_else(|| format!("Template: {}", self.call.name))
    }

    /// What the message says, piece by piece.
    #[must_use]
    pub fn parts(&self) -> Vec<ContentPart> {
        let mut parts = Vec::new();
        self.rendered.collect_parts(&mut parts);
        parts.push(part(ContentPartKind::Title, "Template", &self.call.name));
        parts
    }
}

impl RenderedPart {
    fn collect_parts(&self, parts: &mut Vec<ContentPart>) {
        if let Some(RenderedHeader::Text(text)) = &self.header {
            parts.push(part(ContentPartKind::Title, "Header", text));
        }
        parts.extend(self.body.iter().map(|body| part(ContentPartKind::Text, "Body", body)));
        parts.extend(self.footer.iter().map(|footer| part(ContentPartKind::Description, "Footer", footer)));
        for button in &self.buttons {
            parts.push(part(ContentPartKind::Option, "Button", &button.text));
            parts.extend(button.url.iter().map(|url| part(ContentPartKind::Url, "Link", url)));
        }
        for card in &self.cards {
            card.collect_parts(parts);
        }
    }

    /// For the API: `{header, body, footer, buttons, cards}`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let header = self.header.as_ref().map(|header| match header {
            RenderedHeader::Text(text) => json!({"type": "text", "text": text}),
            RenderedHeader::Media(kind) => json!({"type": kind.into_str()}),
            RenderedHeader::Location(location) => {
                let location = location.as_ref().map(|location| Value::Object(location.to_meta()));
                json!({"type": "location", "location": location})
            }
            RenderedHeader::Other => json!({"type": "other"}),
        });
        let button = |button: &RenderedButton| {
            let kind = button.kind.map_or("other", |kind| kind.into_str());
            json!({"type": kind, "text": button.text, "url": button.url})
        };
        let buttons: Vec<Value> = self.buttons.iter().map(button).collect();
        let cards: Vec<Value> = self.cards.iter().map(Self::to_json).collect();
        Value::Object(Map::from_iter([
            ("header".to_owned(), json!(header)),
            ("body".to_owned(), json!(self.body)),
            ("footer".to_owned(), json!(self.footer)),
            ("buttons".to_owned(), json!(buttons)),
            ("cards".to_owned(), json!(cards)),
        ]))
    }
}

fn part(kind: ContentPartKind, label: &str, value: &str) -> ContentPart {
    ContentPart { label: label.to_owned(), value: value.to_owned(), kind }
}
