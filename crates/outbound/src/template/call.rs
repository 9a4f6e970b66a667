use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::component::Component;
use crate::content::error::ContentError;
use crate::content::location::Location;
use crate::content::media::MediaRef;
use crate::content::reader::{Fields, Node};
use crate::content::to_meta::{MediaIds, ToMetaError};
use kernel::MediaKind;

/// Characters of the name of a template.
pub(crate) const MAX_NAME: usize = 512;

/// The wish to send a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateCall {
    pub name: String,
    /// As it was given: `en_US` or `en-US`.
    pub language: String,
    pub filling: Filling,
}

/// What fills the gaps of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filling {
    /// As Meta has it.
    Components(Vec<Component>),
    /// By name or number of the gap. It becomes components by the template.
    Shorthand(Shorthand),
}

/// The short way to fill a template.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shorthand {
    pub header: Option<HeaderFilling>,
    /// By number, from `1`, or by name.
    pub body: BTreeMap<String, String>,
    /// By the position of the button, from 0: the end of its address, its coupon code or the payload of its reply.
    pub buttons: BTreeMap<u16, String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderFilling {
    Texts(BTreeMap<String, String>),
    /// The template says of which kind the file is.
    Media(MediaRef),
    Location(Location),
}

impl TemplateCall {
    /// Reads `{name, language, components? | parameters?}`.
    pub(crate) fn read(node: &Node<'_>) -> Result<Self, ContentError> {
        let mut fields = node.object()?;
        let name = fields.required_text("name", MAX_NAME)?;
        let language = fields.required("language")?.any_text()?;
        let (components, parameters) = (fields.optional("components"), fields.optional("parameters"));
        let filling = match (components, parameters) {
            (Some(_), Some(parameters)) => {
                return Err(parameters.invalid("expected components or parameters, not both"));
            }
            (Some(components), None) => Filling::Components(Component::read_all(&components)?),
            (None, Some(parameters)) => Filling::Shorthand(Shorthand::read(&parameters)?),
            (None, None) => Filling::Components(Vec::new()),
        };
        fields.end()?;
        Ok(Self { name, language, filling })
    }

    /// Files that the message shows. The short form does not say of which kind they are.
    #[must_use]
    pub fn media(&self) -> Vec<(MediaKind, &MediaRef)> {
        match &self.filling {
            Filling::Components(components) => components.iter().flat_map(Component::media).collect(),
            Filling::Shorthand(_) => Vec::new(),
        }
    }

    pub(crate) fn to_meta(&self, media: MediaIds<'_>) -> Result<Map<String, Value>, ToMetaError> {
        let Filling::Components(components) = &self.filling else { return Err(ToMetaError::TemplateNotFilled) };
        let components: Vec<Value> =
            components.iter().map(|component| component.to_meta(media)).collect::<Result<_, _>>()?;
        let mut meta = Map::from_iter([
            ("name".to_owned(), json!(self.name)),
            ("language".to_owned(), json!({"code": self.language})),
        ]);
        if !components.is_empty() {
            meta.insert("components".to_owned(), json!(components));
        }
        Ok(meta)
    }
}

impl Shorthand {
    pub(super) fn read(node: &Node<'_>) -> Result<Self, ContentError> {
        let mut fields = node.object()?;
        let shorthand = Self {
            header: fields.optional("header").map(|node| HeaderFilling::read(&node)).transpose()?,
            body: fields.optional("body").map_or_else(|| Ok(BTreeMap::new()), |node| texts(&mut node.object()?))?,
            buttons: fields.optional("buttons").map_or_else(|| Ok(BTreeMap::new()), |node| buttons(&node))?,
        };
        fields.end()?;
        Ok(shorthand)
    }
}

impl HeaderFilling {
    fn read(node: &Node<'_>) -> Result<Self, ContentError> {
        let mut fields = node.object()?;
        if node.value().get("media_id").is_some() {
            let media = MediaRef::read(&mut fields, MediaKind::Document)?;
            fields.end()?;
            Ok(Self::Media(media))
        } else if node.value().get("latitude").is_some() && node.value().get("longitude").is_some() {
            Location::read(node).map(Self::Location)
        } else {
            texts(&mut fields).map(Self::Texts)
        }
    }
}

fn texts(fields: &mut Fields<'_>) -> Result<BTreeMap<String, String>, ContentError> {
    fields.all().into_iter().map(|(name, node)| Ok((name.to_owned(), node.any_text()?))).collect()
}

fn buttons(node: &Node<'_>) -> Result<BTreeMap<u16, String>, ContentError> {
    let read = |(name, node): (&str, Node<'_>)| {
        let index = name.parse().map_err(|_| node.invalid("expected the position of a button, counted from 0"))?;
        Ok((index, node.any_text()?))
    };
    node.object()?.all().into_iter().map(read).collect()
}
