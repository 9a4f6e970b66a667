use serde_json::{Map, Value, json};
use strum::{EnumString, IntoStaticStr, VariantArray};

use super::parameter::Parameter;
use crate::content::error::ContentError;
use crate::content::media::MediaRef;
use crate::content::reader::Node;
use crate::content::to_meta::{MediaIds, ToMetaError};
use kernel::MediaKind;

/// Cards of a carousel.
const MAX_CARDS: usize = 10;

/// What a component of a template's call fills. The texts are Meta's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum ComponentKind {
    Header,
    Body,
    Button,
    Carousel,
    LimitedTimeOffer,
    OrderDetails,
}

/// What a button of a template does. The texts are Meta's `sub_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum ButtonType {
    QuickReply,
    Url,
    CopyCode,
    Flow,
    Catalog,
    Mpm,
    Spm,
    OrderDetails,
    OrderStatus,
    PhoneNumber,
    VoiceCall,
}

/// The parameters of one component of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    pub kind: ComponentKind,
    /// Type and position of a button, from 0.
    pub button: Option<(ButtonType, u16)>,
    pub parameters: Vec<Parameter>,
    /// Of a carousel.
    pub cards: Vec<CallCard>,
}

/// The parameters of one card of a carousel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallCard {
    pub components: Vec<Component>,
}

impl Component {
    /// Any number: the check against the template refuses those that it does not have.
    pub(super) fn read_all(node: &Node<'_>) -> Result<Vec<Self>, ContentError> {
        node.items(0..=usize::MAX)?.iter().map(|node| Self::read(node, true)).collect()
    }

    fn read(node: &Node<'_>, outermost: bool) -> Result<Self, ContentError> {
        let kinds: &[ComponentKind] = if outermost {
            ComponentKind::VARIANTS
        } else {
            &[ComponentKind::Header, ComponentKind::Body, ComponentKind::Button]
        };
        let words: Vec<(&str, ComponentKind)> = kinds.iter().map(|kind| (kind.into_str(), *kind)).collect();
        let mut fields = node.object()?;
        let kind = fields.required("type")?.word(&words)?;
        let mut component = Self { kind, button: None, parameters: Vec::new(), cards: Vec::new() };
        if kind == ComponentKind::Button {
            let words: Vec<(&str, ButtonType)> =
                ButtonType::VARIANTS.iter().map(|kind| (kind.into_str(), *kind)).collect();
            component.button = Some((fields.required("sub_type")?.word(&words)?, fields.required("index")?.index()?));
        }
        if kind == ComponentKind::Carousel {
            let cards = fields.required("cards")?.items(1..=MAX_CARDS)?;
            component.cards = cards.iter().enumerate().map(CallCard::read).collect::<Result<_, _>>()?;
        } else if let Some(list) = fields.optional("parameters") {
            component.parameters = list.items(0..=usize::MAX)?.iter().map(Parameter::read).collect::<Result<_, _>>()?;
        }
        fields.end()?;
        Ok(component)
    }

    pub(super) fn media(&self) -> Vec<(MediaKind, &MediaRef)> {
        let own = self.parameters.iter().filter_map(Parameter::media);
        own.chain(self.cards.iter().flat_map(|card| &card.components).flat_map(Self::media)).collect()
    }

    pub(super) fn to_meta(&self, media: MediaIds<'_>) -> Result<Value, ToMetaError> {
        let mut component = Map::from_iter([("type".to_owned(), json!(self.kind.into_str()))]);
        if let Some((kind, index)) = self.button {
            component.insert("sub_type".to_owned(), json!(kind.into_str()));
            component.insert("index".to_owned(), json!(index.to_string()));
        }
        if self.kind == ComponentKind::Carousel {
            let cards = self.cards.iter().enumerate().map(|(index, card)| card.to_meta(index, media));
            component.insert("cards".to_owned(), Value::Array(cards.collect::<Result<_, _>>()?));
        } else {
            let parameters = self.parameters.iter().map(|parameter| parameter.to_meta(media));
            component.insert("parameters".to_owned(), Value::Array(parameters.collect::<Result<_, _>>()?));
        }
        Ok(Value::Object(component))
    }
}

impl CallCard {
    fn read((index, node): (usize, &Node<'_>)) -> Result<Self, ContentError> {
        let mut fields = node.object()?;
        let position = fields.required("card_index")?;
        if usize::from(position.index()?) != index {
            return Err(position.invalid(format!("expected {index}: cards are counted from 0, in their order")));
        }
        let components = fields.required("components")?.items(0..=usize::MAX)?;
        fields.end()?;
        Ok(Self { components: components.iter().map(|node| Component::read(node, false)).collect::<Result<_, _>>()? })
    }

    fn to_meta(&self, index: usize, media: MediaIds<'_>) -> Result<Value, ToMetaError> {
        let components = self.components.iter().map(|component| component.to_meta(media));
        Ok(json!({"card_index": index, "components": components.collect::<Result<Vec<Value>, _>>()?}))
    }
}
