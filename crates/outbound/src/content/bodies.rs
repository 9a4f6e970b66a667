//! The bodies of Meta's `POST /{number}/messages`.

use serde_json::{Map, Value, json};

use super::address::Address;
use super::to_meta::{MediaIds, ToMetaError};
use super::{Content, ContentType};

/// The final JSON of a message.
///
/// `reply_to` is Meta's id of the message that is answered. `opaque` comes back in the statuses, to every app of the business
/// account: at most 512 characters, and nothing personal.
///
/// # Errors
///
/// As [`Content::to_meta`].
pub fn message_json(
    address: &Address,
    content: &Content,
    reply_to: Option<&str>,
    opaque: Option<&str>,
    media: MediaIds<'_>,
) -> Result<String, ToMetaError> {
    let mut body = product();
    body.extend(address.to_meta());
    body.extend(content.to_meta(media)?);
    // A reaction names its message itself.
    if let Some(wamid) = reply_to
        && content.kind() != ContentType::Reaction
    {
        body.insert("context".to_owned(), json!({"message_id": wamid}));
    }
    body.extend(opaque.map(|opaque| ("biz_opaque_callback_data".to_owned(), json!(opaque))));
    Ok(Value::Object(body).to_string())
}

/// Marks a message of the customer, and all before it, as read. Meta takes messages of the last 30 days.
#[must_use]
pub fn read_receipt_json(wamid: &str) -> String {
    Value::Object(receipt(wamid)).to_string()
}

/// Shows the customer that an answer is being typed, for 25 seconds or until it comes. It marks the message as read, too.
#[must_use]
pub fn typing_json(wamid: &str) -> String {
    let mut body = receipt(wamid);
    body.insert("typing_indicator".to_owned(), json!({"type": "text"}));
    Value::Object(body).to_string()
}

fn receipt(wamid: &str) -> Map<String, Value> {
    let mut body = product();
    body.insert("status".to_owned(), json!("read"));
    body.insert("message_id".to_owned(), json!(wamid));
    body
}

fn product() -> Map<String, Value> {
    Map::from_iter([("messaging_product".to_owned(), json!("whatsapp"))])
}
