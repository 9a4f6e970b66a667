//! What can be sent, with Meta's limits. Each file of `content/` has one kind.

pub(crate) mod address;
mod attached;
mod bodies;
mod contact_card;
pub(crate) mod error;
mod interactive;
pub(crate) mod location;
pub(crate) mod media;
mod reaction;
pub(crate) mod reader;
#[cfg(test)]
mod tests;
pub(crate) mod to_meta;

use kernel::ContentPart;
use serde_json::{Map, Value, json};
use strum::{EnumString, IntoStaticStr, VariantArray};
use whatsapp::MessageContent;

pub use address::{Address, InvalidAddress};
pub use attached::AttachedFile;
pub use bodies::{message_json, read_receipt_json, typing_json};
pub use contact_card::ContactCard;
pub use error::{ContentError, ContentErrorKind};
pub use interactive::{
    Action as InteractiveAction, Card, CardAction, Flow, FlowTarget, Header, Interactive, InteractiveKind, Product,
    ProductSection, ReplyButton, Row, Section, UrlButton,
};
pub use kernel::MediaKind;
pub use location::Location;
pub use media::{MediaMessage, MediaRef};
pub use reaction::{Emoji, NotOneEmoji, OutboundReaction};
pub use to_meta::{MediaIds, ToMetaError};

use crate::template::TemplateCall;
use reader::Node;

/// Characters of a text.
const MAX_TEXT: usize = 4_096;

/// What is sent to a customer. It keeps Meta's limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    Text {
        body: String,
        /// Shows a picture of the first link.
        preview_url: bool,
    },
    Media(MediaMessage),
    Location(Location),
    Contacts(Vec<ContactCard>),
    Interactive(Box<Interactive>),
    Template(Box<TemplateCall>),
    /// Not parsed from a message: reactions have a request of their own.
    Reaction(OutboundReaction),
}

/// The kinds of messages that can be sent. Their texts are Meta's, and those of `Message.kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum ContentType {
    Text,
    Image,
    Video,
    Audio,
    Document,
    Sticker,
    Location,
    Contacts,
    Interactive,
    Template,
    Reaction,
}

impl Content {
    /// Reads `{type, <type>: {...}}`, as the HTTP API takes it.
    ///
    /// # Errors
    ///
    /// For what Meta would refuse, and for unknown members.
    pub fn parse(value: &Value) -> Result<Self, ContentError> {
        let words: Vec<(&str, ContentType)> = ContentType::VARIANTS
            .iter()
            .filter(|kind| **kind != ContentType::Reaction)
            .map(|kind| (kind.into_str(), *kind))
            .collect();
        let mut fields = Node::root(value).object()?;
        let kind = fields.required("type")?.word(&words)?;
        let content = Self::read(kind, &fields.required(kind.into_str())?)?;
        fields.end()?;
        Ok(content)
    }

    fn read(kind: ContentType, node: &Node<'_>) -> Result<Self, ContentError> {
        let media = |kind| MediaMessage::read(kind, node).map(Self::Media);
        match kind {
            ContentType::Text => {
                let mut fields = node.object()?;
                let text = Self::Text {
                    body: fields.required_text("body", MAX_TEXT)?,
                    preview_url: fields.flag("preview_url")?,
                };
                fields.end()?;
                Ok(text)
            }
            ContentType::Image => media(MediaKind::Image),
            ContentType::Video => media(MediaKind::Video),
            ContentType::Audio => media(MediaKind::Audio),
            ContentType::Document => media(MediaKind::Document),
            ContentType::Sticker => media(MediaKind::Sticker),
            ContentType::Location => Location::read(node).map(Self::Location),
            ContentType::Contacts => ContactCard::read_all(node).map(Self::Contacts),
            ContentType::Interactive => Interactive::read(node).map(Box::new).map(Self::Interactive),
            ContentType::Template => TemplateCall::read(node).map(Box::new).map(Self::Template),
            ContentType::Reaction => Err(node.invalid("a reaction is no message of its own")),
        }
    }

    #[must_use]
    pub const fn kind(&self) -> ContentType {
        match self {
            Self::Text { .. } => ContentType::Text,
            Self::Media(message) => match message.kind {
                MediaKind::Image => ContentType::Image,
                MediaKind::Video => ContentType::Video,
                MediaKind::Audio => ContentType::Audio,
                MediaKind::Document => ContentType::Document,
                MediaKind::Sticker => ContentType::Sticker,
            },
            Self::Location(_) => ContentType::Location,
            Self::Contacts(_) => ContentType::Contacts,
            Self::Interactive(_) => ContentType::Interactive,
            Self::Template(_) => ContentType::Template,
            Self::Reaction(_) => ContentType::Reaction,
        }
    }

    /// The files that it shows, in their order. Of a template's short form none: it is filled first.
    #[must_use]
    pub fn files(&self) -> Vec<AttachedFile> {
        let files = match self {
            Self::Media(message) => vec![(message.kind, &message.media)],
            Self::Interactive(interactive) => interactive.media(),
            Self::Template(call) => call.media(),
            Self::Text { .. } | Self::Location(_) | Self::Contacts(_) | Self::Reaction(_) => Vec::new(),
        };
        files.into_iter().map(|(kind, file)| AttachedFile { id: file.id, kind }).collect()
    }

    /// Whether it is to look like a voice message.
    #[must_use]
    pub const fn is_voice(&self) -> bool {
        matches!(self, Self::Media(MediaMessage { voice: true, .. }))
    }

    /// Readable text, never empty: the same as of a message that came in, or was sent from the phone. Of a template, use the text
    /// of [`FilledTemplate`](crate::template::FilledTemplate).
    #[must_use]
    pub fn text(&self) -> String {
        self.content().text
    }

    /// What a structured message says, piece by piece; empty for plain words.
    #[must_use]
    pub fn parts(&self) -> Vec<ContentPart> {
        self.content().parts
    }

    fn content(&self) -> MessageContent {
        // The text names no file by its id.
        let json = match self.to_meta(&|_| Some(String::new())) {
            Ok(meta) => Value::Object(meta),
            Err(ToMetaError::MediaNotUploaded(_) | ToMetaError::TemplateNotFilled) => {
                json!({"type": self.kind().into_str(), "template": self.template_name()})
            }
        };
        MessageContent::of_payload(&json.to_string()).unwrap_or_default()
    }

    fn template_name(&self) -> Value {
        match self {
            Self::Template(call) => json!({ "name": call.name }),
            _ => Value::Null,
        }
    }

    /// Meta's `{type, <type>: {...}}`.
    ///
    /// # Errors
    ///
    /// If a file is not at Meta yet, or a template's call is still in its short form.
    pub fn to_meta(&self, media: MediaIds<'_>) -> Result<Map<String, Value>, ToMetaError> {
        let value = match self {
            Self::Text { body, preview_url } => json!({"body": body, "preview_url": preview_url}),
            Self::Media(message) => Value::Object(message.to_meta(media)?),
            Self::Location(location) => Value::Object(location.to_meta()),
            Self::Contacts(cards) => cards.iter().map(ContactCard::to_meta).collect(),
            Self::Interactive(interactive) => Value::Object(interactive.to_meta(media)?),
            Self::Template(call) => Value::Object(call.to_meta(media)?),
            Self::Reaction(reaction) => Value::Object(reaction.to_meta()),
        };
        let kind = self.kind().into_str();
        Ok(Map::from_iter([("type".to_owned(), json!(kind)), (kind.to_owned(), value)]))
    }
}
