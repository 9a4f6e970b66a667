//! Messages.

use serde::Deserialize;
use serde_json::Value;

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) conversation_id: String,
    pub(crate) title: String,
    pub(crate) wamid: Option<String>,
    pub(crate) direction: String,
    pub(crate) origin: String,
    pub(crate) kind: String,
    pub(crate) text: String,
    pub(crate) parts: Vec<MessagePart>,
    pub(crate) media: Option<Media>,
    pub(crate) reply_to: Option<ReplyTo>,
    pub(crate) forwarded: Option<String>,
    pub(crate) referral: Option<Value>,
    pub(crate) reactions: Vec<Reaction>,
    pub(crate) delivery_status: Option<String>,
    pub(crate) delivery_steps: Vec<DeliveryStep>,
    pub(crate) edited_at: Option<String>,
    pub(crate) revoked_at: Option<String>,
    /// As Meta sent it, if it was asked for.
    #[serde(default)]
    pub(crate) payload: Value,
    pub(crate) provider_timestamp: String,
    pub(crate) created_at: String,
    pub(crate) status: Option<String>,
    pub(crate) may_have_been_sent: bool,
    pub(crate) error: Option<SendError>,
    pub(crate) send_at: Option<String>,
    pub(crate) client_ref: Option<String>,
    pub(crate) sender: Option<Sender>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct SendError {
    pub(crate) code: Option<i64>,
    pub(crate) class: String,
    pub(crate) title: String,
    pub(crate) advice: String,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Sender {
    pub(crate) kind: String,
    pub(crate) id: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct MessagePart {
    pub(crate) label: String,
    pub(crate) value: String,
    pub(crate) kind: String,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Media {
    pub(crate) id: Option<String>,
    pub(crate) mime_type: Option<String>,
    pub(crate) sha256: Option<String>,
    pub(crate) caption: Option<String>,
    pub(crate) filename: Option<String>,
    pub(crate) content_id: Option<String>,
    pub(crate) state: String,
    pub(crate) size: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct ReplyTo {
    pub(crate) wamid: String,
    /// The message here, if it is stored.
    pub(crate) message_id: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Reaction {
    pub(crate) emoji: String,
    pub(crate) by: String,
    pub(crate) contact_id: Option<String>,
}

impl Reaction {
    pub(crate) fn by_contact(emoji: &str, contact_id: &str) -> Self {
        Self { emoji: emoji.to_owned(), by: "contact".to_owned(), contact_id: Some(contact_id.to_owned()) }
    }

    pub(crate) fn by_business(emoji: &str) -> Self {
        Self { emoji: emoji.to_owned(), by: "business".to_owned(), contact_id: None }
    }
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct DeliveryStep {
    pub(crate) status: String,
    pub(crate) participant: Option<String>,
    pub(crate) occurred_at: String,
    pub(crate) errors: Option<Value>,
    pub(crate) pricing: Option<Value>,
}
