use kernel::MediaKind;
use kernel::ids::MediaId;
use serde_json::{Map, Value, json};

use super::error::ContentError;
use super::reader::{Fields, Node};
use super::to_meta::{MediaIds, ToMetaError};

/// Characters of a caption.
const MAX_CAPTION: usize = 1_024;
/// Characters of the name of a file: what file systems take.
const MAX_FILENAME: usize = 255;

/// A file of ours, named by its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaRef {
    pub id: MediaId,
    /// The name under which a customer sees a document.
    pub filename: Option<String>,
}

impl MediaRef {
    /// Reads `{media_id, filename?}`; only documents have a name.
    pub(crate) fn read(fields: &mut Fields<'_>, kind: MediaKind) -> Result<Self, ContentError> {
        let id = read_id(&fields.required("media_id")?)?;
        let filename = if kind == MediaKind::Document { fields.optional_text("filename", MAX_FILENAME)? } else { None };
        Ok(Self { id, filename })
    }

    /// Meta's `{id, filename?}`.
    pub(crate) fn to_meta(&self, media: MediaIds<'_>) -> Result<Map<String, Value>, ToMetaError> {
        let id = media(self.id).ok_or(ToMetaError::MediaNotUploaded(self.id))?;
        let mut file = Map::from_iter([("id".to_owned(), json!(id))]);
        file.extend(self.filename.as_ref().map(|name| ("filename".to_owned(), json!(name))));
        Ok(file)
    }
}

fn read_id(node: &Node<'_>) -> Result<MediaId, ContentError> {
    let invalid = || node.invalid("expected a UUID, such as 0190b5a2-7e2f-7000-8000-000000000000");
    node.string()?.parse().map_err(|_| invalid())
}

/// A message that is a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaMessage {
    pub kind: MediaKind,
    pub media: MediaRef,
    /// Neither audio nor stickers have one.
    pub caption: Option<String>,
    /// Audio that is shown as a voice message: Ogg with Opus only.
    pub voice: bool,
}

impl MediaMessage {
    pub(super) fn read(kind: MediaKind, node: &Node<'_>) -> Result<Self, ContentError> {
        let mut fields = node.object()?;
        let media = MediaRef::read(&mut fields, kind)?;
        let has_caption = !matches!(kind, MediaKind::Audio | MediaKind::Sticker);
        let caption = if has_caption { fields.optional_text("caption", MAX_CAPTION)? } else { None };
        let voice = kind == MediaKind::Audio && fields.flag("voice")?;
        fields.end()?;
        Ok(Self { kind, media, caption, voice })
    }

    pub(super) fn to_meta(&self, media: MediaIds<'_>) -> Result<Map<String, Value>, ToMetaError> {
        let mut file = self.media.to_meta(media)?;
        file.extend(self.caption.as_ref().map(|caption| ("caption".to_owned(), json!(caption))));
        file.extend(self.voice.then(|| ("voice".to_owned(), json!(true))));
        Ok(file)
    }
}
