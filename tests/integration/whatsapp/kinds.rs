//! Messages of every kind.

mod calls;
mod content;
mod context;
mod effects;
mod interactive;
mod media;
mod unknown;

use serde_json::{Map, Value, json};

use crate::kit::app::TestApp;
use crate::kit::customer::Customer;
use crate::kit::meta::{fresh_wamid, second, time};

/// The time of all messages.
const AT: i64 = 10;

/// The only message of a sender, and what the API shows for it.
struct Row {
    name: &'static str,
    sender: Customer,
    message: Value,
    seen: Value,
}

/// A message with its body under its kind.
fn row(name: &'static str, kind: &str, body: Value, seen: Value) -> Row {
    let sender = Customer::fresh();
    let message = sender.message(AT, kind, body);
    Row { name, sender, message, seen }
}

/// A message without a body.
fn bare(name: &'static str, seen: Value) -> Row {
    let sender = Customer::fresh();
    let mut message = sender.from();
    message.insert("id".to_owned(), json!(fresh_wamid()));
    message.insert("timestamp".to_owned(), json!(second(AT).to_string()));
    Row { name, sender, message: message.into(), seen }
}

impl Row {
    /// With members beside the body.
    fn with(mut self, member: &str, value: Value) -> Self {
        self.message[member] = value;
        self
    }
}

/// Parts of a message from `kind`, `label` and `value`.
fn parts<const N: usize>(parts: [(&str, &str, &str); N]) -> Value {
    parts.into_iter().map(|(kind, label, value)| json!({"kind": kind, "label": label, "value": value})).collect()
}

/// A file that is still at Meta has a new id each time.
fn without_content_id(message: &mut Value) {
    if let Some(media) = message["media"].as_object_mut() {
        assert!(media.remove("content_id").is_some_and(|id| id.is_string()), "{media:?}");
    }
}

/// What the API shows for a message unless a row says otherwise.
fn plain() -> Map<String, Value> {
    let Value::Object(plain) = json!({
        "direction": "inbound", "origin": "live", "parts": [], "media": null, "reply_to": null, "forwarded": null, "referral": null,
        "reactions": [], "delivery_status": null, "delivery_steps": [], "edited_at": null, "revoked_at": null,
        "provider_timestamp": time(AT),
    }) else {
        unreachable!()
    };
    plain
}

/// Delivers all rows together, then checks each message, its conversation and its contact's history. A row lists only
/// what differs from a plain message.
async fn check(rows: Vec<Row>) {
    let app = TestApp::start_with_pipeline().await;
    let tenant = app.tenant().await;
    let number = tenant.connect().await;
    let messages: Vec<Value> = rows.iter().map(|row| row.message.clone()).collect();
    app.process(&number.delivery(&messages)).await;
    assert_eq!(tenant.contacts().await.len(), rows.len());
    for Row { name, sender, message, seen } in rows {
        let contact = tenant.contact_by_identity("bsuid", sender.bsuid()).await;
        let conversation = tenant.conversations_with(&contact).await.remove(0);
        let mut stored: Vec<Value> =
            tenant.client.list(&format!("{}?include=payload", conversation.messages_path())).await;
        without_content_id(&mut stored[0]);
        assert_eq!(stored.len(), 1, "{name}");
        let mut expected = plain();
        expected.extend(seen.as_object().unwrap().clone());
        expected.insert("payload".to_owned(), message.clone());
        expected.insert("wamid".to_owned(), message["id"].clone());
        for (member, expected) in &expected {
            assert_eq!(&stored[0][member], expected, "{name}: {member}");
        }
        let text = &seen["text"];
        assert!(text.as_str().is_some_and(|text| !text.is_empty()), "{name}");
        assert_eq!((conversation.status.as_str(), conversation.unread_count), ("open", 1), "{name}");
        let line = crm::preview(text.as_str().unwrap());
        assert_eq!(conversation.last_message_preview, line, "{name}");
        assert_eq!(
            (conversation.last_message_at.as_str(), conversation.read_only),
            (time(AT).as_str(), false),
            "{name}"
        );
        assert_eq!(conversation.window_end(), time(AT + 24 * 3_600), "{name}");
        let interactions = tenant.interactions(&contact).await;
        assert_eq!(interactions.len(), 1, "{name}");
        assert_eq!(interactions[0].kind, "inbound_message", "{name}");
        assert_eq!(interactions[0].text, line, "{name}");
        assert_eq!(interactions[0].message_id.as_deref(), stored[0]["id"].as_str(), "{name}");
    }
    app.finish().await;
}
