use serde_json::{Map, Number, Value, json};

use super::error::ContentError;
use super::reader::Node;

/// A place on a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// Degrees, as they were given.
    pub latitude: Number,
    pub longitude: Number,
    pub name: Option<String>,
    pub address: Option<String>,
}

impl Location {
    pub(crate) fn read(node: &Node<'_>) -> Result<Self, ContentError> {
        let mut fields = node.object()?;
        let location = Self {
            latitude: fields.required("latitude")?.number(-90.0..=90.0)?,
            longitude: fields.required("longitude")?.number(-180.0..=180.0)?,
            name: fields.optional_text("name", usize::MAX)?,
            address: fields.optional_text("address", usize::MAX)?,
        };
        fields.end()?;
        Ok(location)
    }

    pub(crate) fn to_meta(&self) -> Map<String, Value> {
        let mut place = Map::from_iter([
            ("latitude".to_owned(), Value::Number(self.latitude.clone())),
            ("longitude".to_owned(), Value::Number(self.longitude.clone())),
        ]);
        place.extend(self.name.as_ref().map(|name| ("name".to_owned(), json!(name))));
        place.extend(self.address.as_ref().map(|address| ("address".to_owned(), json!(address))));
        place
    }
}
