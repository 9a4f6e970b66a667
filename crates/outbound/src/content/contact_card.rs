use serde_json::{Map, Value};

use super::error::ContentError;
use super::reader::{Fields, Node};

/// Cards of one message.
const MAX_CARDS: usize = 257;

const NAME: [&str; 6] = ["formatted_name", "first_name", "last_name", "middle_name", "suffix", "prefix"];
const ORGANIZATION: [&str; 3] = ["company", "department", "title"];
/// The lists of a card, and the fields of their items.
const LISTS: [(&str, &[&str]); 4] = [
    ("addresses", &["street", "city", "state", "zip", "country", "country_code", "type"]),
    ("emails", &["email", "type"]),
    ("phones", &["phone", "wa_id", "type"]),
    ("urls", &["url", "type"]),
];

/// A contact card with Meta's fields: each is known and a text, and the name is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactCard(Map<String, Value>);

impl ContactCard {
    pub(super) fn read_all(node: &Node<'_>) -> Result<Vec<Self>, ContentError> {
        node.items(1..=MAX_CARDS)?.iter().map(Self::read).collect()
    }

    fn read(node: &Node<'_>) -> Result<Self, ContentError> {
        let mut fields = node.object()?;
        let mut name = fields.required("name")?.object()?;
        name.required("formatted_name")?.any_text()?;
        texts(name, &NAME)?;
        if let Some(organization) = fields.optional("org") {
            texts(organization.object()?, &ORGANIZATION)?;
        }
        fields.optional_text("birthday", usize::MAX)?;
        for (list, members) in LISTS {
            let Some(list) = fields.optional(list) else { continue };
            for item in list.items(0..=usize::MAX)? {
                texts(item.object()?, members)?;
            }
        }
        fields.end()?;
        let card = node.value().as_object().cloned().unwrap_or_default();
        Ok(Self(card))
    }

    pub(super) fn to_meta(&self) -> Value {
        Value::Object(self.0.clone())
    }
}

/// Checks that an object has only these members, and that they are texts. Address books leave some empty.
fn texts(mut fields: Fields<'_>, members: &[&str]) -> Result<(), ContentError> {
    for member in members {
        if let Some(node) = fields.optional(member) {
            node.string()?;
        }
    }
    fields.end()
}
