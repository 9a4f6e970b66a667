//! Meta's webhook deliveries.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use kernel::{Clock, SystemClock};
use serde_json::{Value, json};
use whatsapp::{AppSecret, AppSecrets};

/// The secret of the deployment's Meta app.
pub(crate) const APP_SECRET: &str = "the secret of the test app";
pub(crate) const VERIFY_TOKEN: &str = "the verify token of the test app";

/// A phone number and business account that no other test uses.
#[derive(Clone, Debug)]
pub(crate) struct Number {
    pub(crate) phone_number_id: String,
    pub(crate) waba_id: String,
}

/// A tenant's own Meta app.
#[derive(Clone, Debug)]
pub(crate) struct MetaApp {
    pub(crate) key: String,
    pub(crate) secret: String,
    pub(crate) verify_token: String,
}

impl MetaApp {
    /// The path of its webhook.
    pub(crate) fn webhook(&self) -> String {
        format!("/webhooks/whatsapp/{}", self.key)
    }

    pub(crate) fn path(&self) -> String {
        format!("/meta-apps/{}", self.key)
    }
}

/// A unique string of digits.
pub(crate) fn fresh_digits() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let now = SystemClock::new().now().timestamp_micros();
    format!("{now}{:03}", NEXT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn fresh_wamid() -> String {
    format!("wamid.{}", fresh_digits())
}

/// A time of this run in seconds since the epoch: `at` seconds after one hour ago.
pub(crate) fn second(at: i64) -> i64 {
    static START: LazyLock<i64> = LazyLock::new(|| SystemClock::new().now().timestamp() - 3_600);
    *START + at
}

/// The same time as the API writes it.
pub(crate) fn time(at: i64) -> String {
    let time = chrono::DateTime::from_timestamp(second(at), 0).unwrap();
    time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

pub(crate) fn signature(body: &[u8]) -> String {
    sign_with(APP_SECRET, body)
}

pub(crate) fn sign_with(secret: &str, body: &[u8]) -> String {
    AppSecrets::new(&AppSecret::new(secret.into()).unwrap(), None).sign(body).unwrap()
}

impl Number {
    pub(crate) fn fresh() -> Self {
        Self { phone_number_id: fresh_digits(), waba_id: fresh_digits() }
    }

    /// Another number of the same business account.
    pub(crate) fn sibling(&self) -> Self {
        Self { phone_number_id: fresh_digits(), waba_id: self.waba_id.clone() }
    }

    /// A delivery of messages for this number, with a `contacts` entry for each sender.
    pub(crate) fn delivery(&self, messages: &[Value]) -> Value {
        let contacts: Vec<Value> = messages
            .iter()
            .map(|message| {
                let mut contact = json!({"profile": {"name": "Ada Lovelace"}});
                for (theirs, ours) in [("from", "wa_id"), ("from_user_id", "user_id")] {
                    if let Some(id) = message.get(theirs) {
                        contact[ours] = id.clone();
                    }
                }
                contact
            })
            .collect();
        self.change("messages", json!({"contacts": contacts, "messages": messages}))
    }

    /// A delivery of one change for this number.
    pub(crate) fn change(&self, field: &str, mut value: Value) -> Value {
        value["messaging_product"] = json!("whatsapp");
        value["metadata"] = json!({"display_phone_number": "15550000000", "phone_number_id": self.phone_number_id});
        json!({
            "object": "whatsapp_business_account",
            "entry": [{"id": self.waba_id, "changes": [{"value": value, "field": field}]}],
        })
    }
}

/// A text message from a phone number, now.
pub(crate) fn text(from: &str, body: &str) -> Value {
    json!({
        "from": from, "id": fresh_wamid(), "timestamp": SystemClock::new().now().timestamp().to_string(),
        "type": "text", "text": {"body": body},
    })
}
