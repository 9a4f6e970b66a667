use serde_json::{Map, Value, json};

use super::list::read_title;
use crate::content::error::ContentError;
use crate::content::reader::Node;

const MAX_SECTIONS: usize = 10;
/// Of all sections together.
const MAX_PRODUCTS: usize = 30;

/// A product of a catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    pub catalog_id: String,
    /// The business's own id of the product.
    pub product_retailer_id: String,
}

impl Product {
    /// Reads `{catalog_id, product_retailer_id}`.
    pub(super) fn read(action: &Node<'_>) -> Result<Self, ContentError> {
        let mut fields = action.object()?;
        let product = Self {
            catalog_id: fields.required("catalog_id")?.any_text()?,
            product_retailer_id: fields.required("product_retailer_id")?.any_text()?,
        };
        fields.end()?;
        Ok(product)
    }

    pub(super) fn to_meta(&self) -> Value {
        json!({"catalog_id": self.catalog_id, "product_retailer_id": self.product_retailer_id})
    }
}

/// Products of one catalogue under one title.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductSection {
    /// There if the list has several sections.
    pub title: Option<String>,
    /// The business's own ids of the products.
    pub product_retailer_ids: Vec<String>,
}

impl ProductSection {
    fn read(node: &Node<'_>, needs_title: bool) -> Result<Self, ContentError> {
        let mut fields = node.object()?;
        let title = read_title(&mut fields, needs_title)?;
        let items = fields.required("product_items")?.items(1..=MAX_PRODUCTS)?;
        fields.end()?;
        let product_retailer_ids = items.iter().map(read_item).collect::<Result<_, _>>()?;
        Ok(Self { title, product_retailer_ids })
    }

    fn to_meta(&self) -> Value {
        let items: Vec<Value> = self.product_retailer_ids.iter().map(|id| json!({"product_retailer_id": id})).collect();
        let mut section = Map::from_iter([("product_items".to_owned(), json!(items))]);
        section.extend(self.title.as_ref().map(|title| ("title".to_owned(), json!(title))));
        Value::Object(section)
    }
}

fn read_item(node: &Node<'_>) -> Result<String, ContentError> {
    let mut fields = node.object()?;
    let id = fields.required("product_retailer_id")?.any_text()?;
    fields.end()?;
    Ok(id)
}

/// Reads `{catalog_id, sections: [{title, product_items}]}`.
pub(super) fn read_list(action: &Node<'_>) -> Result<(String, Vec<ProductSection>), ContentError> {
    let mut fields = action.object()?;
    let catalog_id = fields.required("catalog_id")?.any_text()?;
    let list = fields.required("sections")?;
    fields.end()?;
    let nodes = list.items(1..=MAX_SECTIONS)?;
    let several = nodes.len() > 1;
    let sections: Vec<ProductSection> =
        nodes.iter().map(|node| ProductSection::read(node, several)).collect::<Result<_, _>>()?;
    let products: usize = sections.iter().map(|section| section.product_retailer_ids.len()).sum();
    if products > MAX_PRODUCTS {
        let message = format!("has {products} products in all sections; at most {MAX_PRODUCTS} are allowed");
        return Err(list.invalid(message));
    }
    Ok((catalog_id, sections))
}

pub(super) fn list_to_meta(catalog_id: &str, sections: &[ProductSection]) -> Value {
    let sections: Vec<Value> = sections.iter().map(ProductSection::to_meta).collect();
    json!({"catalog_id": catalog_id, "sections": sections})
}

/// Reads `{name: catalog_message, parameters?: {thumbnail_product_retailer_id}}`: the product whose picture is shown.
pub(super) fn read_catalog(action: &Node<'_>) -> Result<Option<String>, ContentError> {
    let mut fields = action.object()?;
    fields.required("name")?.is("catalog_message")?;
    let parameters = fields.optional("parameters");
    fields.end()?;
    let Some(parameters) = parameters else { return Ok(None) };
    let mut parameters = parameters.object()?;
    let thumbnail = parameters.optional_text("thumbnail_product_retailer_id", usize::MAX)?;
    parameters.end()?;
    Ok(thumbnail)
}

pub(super) fn catalog_to_meta(thumbnail: Option<&String>) -> Value {
    let mut action = Map::from_iter([("name".to_owned(), json!("catalog_message"))]);
    let parameters = thumbnail.map(|id| json!({"thumbnail_product_retailer_id": id}));
    action.extend(parameters.map(|parameters| ("parameters".to_owned(), parameters)));
    Value::Object(action)
}
