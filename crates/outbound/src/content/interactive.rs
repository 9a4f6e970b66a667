//! Messages with buttons, lists, products or forms.

mod action;
mod button;
mod carousel;
mod header;
mod kind;
mod list;
mod product;
mod words;

use kernel::MediaKind;
use serde_json::{Map, Value, json};

pub use action::{Action, Flow, FlowTarget};
pub use button::{ReplyButton, UrlButton};
pub use carousel::{Card, CardAction};
pub use header::Header;
pub use kind::InteractiveKind;
pub use list::{Row, Section};
pub use product::{Product, ProductSection};

use super::error::ContentError;
use super::media::MediaRef;
use super::reader::{Fields, Node};
use super::to_meta::{MediaIds, ToMetaError};
use header::HeaderRule;
use words::read_words;

/// Characters.
const MAX_FOOTER: usize = 60;

/// A message with something to tap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interactive {
    pub header: Option<Header>,
    /// Only a single product goes without.
    pub body: Option<String>,
    pub footer: Option<String>,
    pub action: Action,
}

impl Interactive {
    pub(super) fn read(node: &Node<'_>) -> Result<Self, ContentError> {
        let mut fields = node.object()?;
        let kind = fields.required("type")?.word(&InteractiveKind::words())?;
        let interactive = Self {
            header: read_header(&mut fields, kind)?,
            body: read_words(&mut fields, "body", kind.max_body(), kind.needs_body())?,
            footer: if kind.has_footer() { read_words(&mut fields, "footer", MAX_FOOTER, false)? } else { None },
            action: Action::read(kind, &fields.required("action")?)?,
        };
        fields.end()?;
        Ok(interactive)
    }

    /// Files that the message shows.
    pub(super) fn media(&self) -> Vec<(MediaKind, &MediaRef)> {
        let cards = if let Action::Carousel(cards) = &self.action { cards.as_slice() } else { &[] };
        let headers = self.header.iter().chain(cards.iter().filter_map(Card::header));
        headers.filter_map(Header::media).collect()
    }

    pub(super) fn to_meta(&self, media: MediaIds<'_>) -> Result<Map<String, Value>, ToMetaError> {
        let kind: &str = self.action.kind().into();
        let mut meta =
            Map::from_iter([("type".to_owned(), json!(kind)), ("action".to_owned(), self.action.to_meta(media)?)]);
        if let Some(header) = &self.header {
            meta.insert("header".to_owned(), header.to_meta(media)?);
        }
        for (name, text) in [("body", &self.body), ("footer", &self.footer)] {
            meta.extend(text.as_ref().map(|text| (name.to_owned(), json!({ "text": text }))));
        }
        Ok(meta)
    }
}

fn read_header(fields: &mut Fields<'_>, kind: InteractiveKind) -> Result<Option<Header>, ContentError> {
    match kind.header() {
        HeaderRule::None => Ok(None),
        HeaderRule::Text { required: true } => Header::read(&fields.required("header")?, true).map(Some),
        HeaderRule::Text { required: false } => {
            fields.optional("header").map(|node| Header::read(&node, true)).transpose()
        }
        HeaderRule::Any => fields.optional("header").map(|node| Header::read(&node, false)).transpose(),
    }
}
