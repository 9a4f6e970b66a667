use serde_json::{Map, Value, json};

use super::button::{ReplyButton, UrlButton};
use super::carousel::{self, Card};
use super::kind::InteractiveKind;
use super::list::{self, Section};
use super::product::{self, Product, ProductSection};
use crate::content::error::ContentError;
use crate::content::reader::Node;
use crate::content::to_meta::{MediaIds, ToMetaError};

/// Characters of the button that opens a form.
const MAX_FLOW_CTA: usize = 30;

/// What can be tapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    Buttons(Vec<ReplyButton>),
    List {
        /// The text of the button that opens the list.
        button: String,
        sections: Vec<Section>,
    },
    CtaUrl(UrlButton),
    Flow(Flow),
    Product(Product),
    ProductList {
        catalog_id: String,
        sections: Vec<ProductSection>,
    },
    Catalog {
        /// The product whose picture is shown; else the first of the catalogue.
        thumbnail: Option<String>,
    },
    LocationRequest,
    Carousel(Vec<Card>),
}

impl Action {
    pub(super) fn read(kind: InteractiveKind, node: &Node<'_>) -> Result<Self, ContentError> {
        Ok(match kind {
            InteractiveKind::Button => Self::Buttons(ReplyButton::read_all(node)?),
            InteractiveKind::List => {
                let (button, sections) = list::read(node)?;
                Self::List { button, sections }
            }
            InteractiveKind::CtaUrl => Self::CtaUrl(UrlButton::read(node)?),
            InteractiveKind::Flow => Self::Flow(Flow::read(node)?),
            InteractiveKind::Product => Self::Product(Product::read(node)?),
            InteractiveKind::ProductList => {
                let (catalog_id, sections) = product::read_list(node)?;
                Self::ProductList { catalog_id, sections }
            }
            InteractiveKind::CatalogMessage => Self::Catalog { thumbnail: product::read_catalog(node)? },
            InteractiveKind::LocationRequestMessage => {
                let mut fields = node.object()?;
                fields.required("name")?.is("send_location")?;
                fields.end()?;
                Self::LocationRequest
            }
            InteractiveKind::Carousel => Self::Carousel(Card::read_all(node)?),
        })
    }

    #[must_use]
    pub const fn kind(&self) -> InteractiveKind {
        match self {
            Self::Buttons(_) => InteractiveKind::Button,
            Self::List { .. } => InteractiveKind::List,
            Self::CtaUrl(_) => InteractiveKind::CtaUrl,
            Self::Flow(_) => InteractiveKind::Flow,
            Self::Product(_) => InteractiveKind::Product,
            Self::ProductList { .. } => InteractiveKind::ProductList,
            Self::Catalog { .. } => InteractiveKind::CatalogMessage,
            Self::LocationRequest => InteractiveKind::LocationRequestMessage,
            Self::Carousel(_) => InteractiveKind::Carousel,
        }
    }

    pub(super) fn to_meta(&self, media: MediaIds<'_>) -> Result<Value, ToMetaError> {
        Ok(match self {
            Self::Buttons(buttons) => json!({"buttons": buttons.iter().map(ReplyButton::to_meta).collect::<Vec<_>>()}),
            Self::List { button, sections } => list::to_meta(button, sections),
            Self::CtaUrl(button) => button.to_meta(),
            Self::Flow(flow) => flow.to_meta(),
            Self::Product(product) => product.to_meta(),
            Self::ProductList { catalog_id, sections } => product::list_to_meta(catalog_id, sections),
            Self::Catalog { thumbnail } => product::catalog_to_meta(thumbnail.as_ref()),
            Self::LocationRequest => json!({"name": "send_location"}),
            Self::Carousel(cards) => carousel::to_meta(cards, media)?,
        })
    }
}

/// A form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    pub target: FlowTarget,
    /// `flow_message_version`.
    pub message_version: String,
    /// Returned with the answers.
    pub token: Option<String>,
    /// The text of the button that opens it.
    pub call_to_action: String,
    /// Asks the business's own server for the first screen.
    pub data_exchange: bool,
    /// The first screen and its data.
    pub payload: Option<Value>,
    /// Not published yet: only for tests.
    pub draft: bool,
}

/// Meta takes the id or the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlowTarget {
    Id(String),
    Name(String),
}

impl Flow {
    /// Reads `{name: flow, parameters}`.
    fn read(action: &Node<'_>) -> Result<Self, ContentError> {
        let mut fields = action.object()?;
        fields.required("name")?.is("flow")?;
        let node = fields.required("parameters")?;
        fields.end()?;
        let mut parameters = node.object()?;
        let id = parameters.optional_text("flow_id", usize::MAX)?;
        let name = parameters.optional_text("flow_name", usize::MAX)?;
        let target = match (id, name) {
            (Some(id), None) => FlowTarget::Id(id),
            (None, Some(name)) => FlowTarget::Name(name),
            _ => return Err(node.invalid("expected flow_id or flow_name, one of the two")),
        };
        let flow = Self {
            target,
            message_version: parameters
                .optional_text("flow_message_version", usize::MAX)?
                .unwrap_or_else(|| "3".to_owned()),
            token: parameters.optional_text("flow_token", usize::MAX)?,
            call_to_action: parameters.required_text("flow_cta", MAX_FLOW_CTA)?,
            data_exchange: parameters
                .optional("flow_action")
                .map_or(Ok(false), |node| node.word(&[("navigate", false), ("data_exchange", true)]))?,
            payload: read_payload(parameters.optional("flow_action_payload"))?,
            draft: parameters
                .optional("mode")
                .map_or(Ok(false), |node| node.word(&[("published", false), ("draft", true)]))?,
        };
        parameters.end()?;
        Ok(flow)
    }

    fn to_meta(&self) -> Value {
        let (field, value) = match &self.target {
            FlowTarget::Id(id) => ("flow_id", id),
            FlowTarget::Name(name) => ("flow_name", name),
        };
        let action = if self.data_exchange { "data_exchange" } else { "navigate" };
        let mut parameters = Map::from_iter([
            (field.to_owned(), json!(value)),
            ("flow_message_version".to_owned(), json!(self.message_version)),
            ("flow_cta".to_owned(), json!(self.call_to_action)),
            ("flow_action".to_owned(), json!(action)),
        ]);
        parameters.extend(self.token.as_ref().map(|token| ("flow_token".to_owned(), json!(token))));
        parameters.extend(self.payload.as_ref().map(|payload| ("flow_action_payload".to_owned(), payload.clone())));
        parameters.extend(self.draft.then(|| ("mode".to_owned(), json!("draft"))));
        json!({"name": "flow", "parameters": parameters})
    }
}

/// `{screen, data?}`; the data is the form's own.
fn read_payload(node: Option<Node<'_>>) -> Result<Option<Value>, ContentError> {
    let Some(node) = node else { return Ok(None) };
    let mut fields = node.object()?;
    fields.required("screen")?.any_text()?;
    if let Some(data) = fields.optional("data") {
        data.object()?;
    }
    fields.end()?;
    Ok(Some(node.value().clone()))
}
