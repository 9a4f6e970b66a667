use serde_json::{Map, Value, json};

use super::button::UrlButton;
use super::header::Header;
use super::product::Product;
use super::words::read_words;
use crate::content::error::ContentError;
use crate::content::reader::{Fields, Node};
use crate::content::to_meta::{MediaIds, ToMetaError};

const CARDS: std::ops::RangeInclusive<usize> = 2..=10;
/// Characters of the body of a card. Meta's own limit may be lower; it answers so.
const MAX_CARD_BODY: usize = 1_024;

/// A card of a carousel. Its position is its `card_index`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    pub body: Option<String>,
    pub action: CardAction,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CardAction {
    /// A picture or a video, and a button that opens a page.
    Url(Header, UrlButton),
    Product(Product),
}

impl Card {
    /// Reads `{cards: [{card_index, type, header, body, action}]}`.
    pub(super) fn read_all(action: &Node<'_>) -> Result<Vec<Self>, ContentError> {
        let mut fields = action.object()?;
        let list = fields.required("cards")?;
        fields.end()?;
        let nodes = list.items(CARDS)?;
        let mut cards: Vec<Self> = Vec::new();
        for (index, node) in nodes.iter().enumerate() {
            let card = Self::read(node, index)?;
            if cards.first().is_some_and(|first| first.sort() != card.sort()) {
                return Err(node.invalid("all cards must have the same type and the same type of header"));
            }
            cards.push(card);
        }
        Ok(cards)
    }

    fn read(node: &Node<'_>, index: usize) -> Result<Self, ContentError> {
        let mut fields = node.object()?;
        let position = fields.required("card_index")?;
        if usize::try_from(position.integer()?) != Ok(index) {
            return Err(position.invalid(format!("expected {index}: cards are counted from 0, in their order")));
        }
        let is_product = fields.required("type")?.word(&[("cta_url", false), ("product", true)])?;
        let action = if is_product {
            CardAction::Product(Product::read(&fields.required("action")?)?)
        } else {
            let header = read_header(&mut fields)?;
            CardAction::Url(header, UrlButton::read(&fields.required("action")?)?)
        };
        let body = read_words(&mut fields, "body", MAX_CARD_BODY, false)?;
        fields.end()?;
        Ok(Self { body, action })
    }

    pub(super) const fn header(&self) -> Option<&Header> {
        match &self.action {
            CardAction::Url(header, _) => Some(header),
            CardAction::Product(_) => None,
        }
    }

    /// What must be the same of all cards.
    fn sort(&self) -> Option<&'static str> {
        self.header().map(Header::kind)
    }

    fn to_meta(&self, index: usize, media: MediaIds<'_>) -> Result<Value, ToMetaError> {
        let (kind, action) = match &self.action {
            CardAction::Url(_, button) => ("cta_url", button.to_meta()),
            CardAction::Product(product) => ("product", product.to_meta()),
        };
        let mut card = Map::from_iter([
            ("card_index".to_owned(), json!(index)),
            ("type".to_owned(), json!(kind)),
            ("action".to_owned(), action),
        ]);
        if let Some(header) = self.header() {
            card.insert("header".to_owned(), header.to_meta(media)?);
        }
        card.extend(self.body.as_ref().map(|text| ("body".to_owned(), json!({ "text": text }))));
        Ok(Value::Object(card))
    }
}

fn read_header(fields: &mut Fields<'_>) -> Result<Header, ContentError> {
    let node = fields.required("header")?;
    match Header::read(&node, false)? {
        header if matches!(header.kind(), "image" | "video") => Ok(header),
        _ => Err(node.invalid("expected an image or a video")),
    }
}

pub(super) fn to_meta(cards: &[Card], media: MediaIds<'_>) -> Result<Value, ToMetaError> {
    let cards: Vec<Value> =
        cards.iter().enumerate().map(|(index, card)| card.to_meta(index, media)).collect::<Result<_, _>>()?;
    Ok(json!({ "cards": cards }))
}
