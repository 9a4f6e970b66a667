use serde_json::{Map, Value, json};

use crate::content::error::ContentError;
use crate::content::media::MediaRef;
use crate::content::reader::{Node, listed};
use crate::content::to_meta::{MediaIds, ToMetaError};
use kernel::MediaKind;

/// Characters of a text header.
const MAX_HEADER: usize = 60;

/// Which header a kind of message may have.
#[derive(Clone, Copy, Debug)]
pub(super) enum HeaderRule {
    None,
    Text {
        required: bool,
    },
    /// Optional: a text, a picture, a video or a document.
    Any,
}

/// What stands above the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Header {
    Text(String),
    /// A picture, a video or a document.
    Media(MediaKind, MediaRef),
}

impl Header {
    /// Reads `{type, <type>: ...}`.
    pub(super) fn read(node: &Node<'_>, text_only: bool) -> Result<Self, ContentError> {
        let kinds = [MediaKind::Image, MediaKind::Video, MediaKind::Document];
        let kinds = if text_only { &[] } else { kinds.as_slice() };
        let mut fields = node.object()?;
        let kind = fields.required("type")?;
        let header = if kind.string()? == "text" {
            Self::Text(fields.required_text("text", MAX_HEADER)?)
        } else if let Some(kind) = kinds.iter().copied().find(|known| kind.value() == known.into_str()) {
            Self::read_media(kind, &fields.required(kind.into())?)?
        } else {
            let words: Vec<&str> = std::iter::once("text").chain(kinds.iter().map(MediaKind::into_str)).collect();
            return Err(kind.invalid(format!("expected {}", listed(&words))));
        };
        fields.end()?;
        Ok(header)
    }

    fn read_media(kind: MediaKind, node: &Node<'_>) -> Result<Self, ContentError> {
        let mut fields = node.object()?;
        let media = MediaRef::read(&mut fields, kind)?;
        fields.end()?;
        Ok(Self::Media(kind, media))
    }

    /// `text`, or the kind of the file.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Media(kind, _) => kind.into_str(),
        }
    }

    pub(super) const fn media(&self) -> Option<(MediaKind, &MediaRef)> {
        match self {
            Self::Text(_) => None,
            Self::Media(kind, media) => Some((*kind, media)),
        }
    }

    pub(super) fn to_meta(&self, media: MediaIds<'_>) -> Result<Value, ToMetaError> {
        let value = match self {
            Self::Text(text) => json!(text),
            Self::Media(_, file) => Value::Object(file.to_meta(media)?),
        };
        let members = [("type".to_owned(), json!(self.kind())), (self.kind().to_owned(), value)];
        Ok(Value::Object(Map::from_iter(members)))
    }
}
