use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

/// A piece of what a structured message says: an answer of a form, a number of a contact card, an item of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentPart {
    /// What the value is, in words; the name of the field for an answer.
    pub label: String,
    pub value: String,
    pub kind: ContentPartKind,
}

/// What the value of a [`ContentPart`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum ContentPartKind {
    /// Words without a role of their own, such as the note of an order or a parameter of a template.
    Text,
    /// The title of what was chosen or sent.
    Title,
    Description,
    Question,
    /// What may be chosen: a button, a row of a list, an answer of a poll.
    Option,
    /// An answer of a form.
    Answer,
    /// The name of a person or a place.
    Name,
    Phone,
    Email,
    Address,
    Organization,
    Url,
    Date,
    Product,
    /// An item of an order, with its quantity and price.
    Item,
    /// The price of all items.
    Total,
    /// Latitude and longitude in degrees.
    Coordinates,
    /// What an ad or a post says from which the customer started the chat.
    Advert,
}
