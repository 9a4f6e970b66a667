//! WhatsApp customers, and Meta's events about them.

use serde_json::{Map, Value, json};

use super::meta::{Number, fresh_digits, fresh_wamid, second};

/// A customer as one business sees them: with a number, a business-scoped user id, or both.
#[derive(Clone, Debug, Default)]
pub(crate) struct Customer {
    pub(crate) phone: Option<String>,
    pub(crate) bsuid: Option<String>,
    pub(crate) parent: Option<String>,
    pub(crate) username: Option<String>,
    pub(crate) name: Option<String>,
}

impl Customer {
    pub(crate) fn new(phone: &str, bsuid: &str) -> Self {
        Self { bsuid: Some(bsuid.to_owned()), ..Self::with_phone(phone) }
    }

    pub(crate) fn with_phone(phone: &str) -> Self {
        Self { phone: Some(phone.to_owned()), name: Some("Ada Lovelace".to_owned()), ..Self::default() }
    }

    pub(crate) fn with_bsuid(bsuid: &str) -> Self {
        Self { bsuid: Some(bsuid.to_owned()), name: Some("Ada Lovelace".to_owned()), ..Self::default() }
    }

    /// A customer that no other test uses.
    pub(crate) fn fresh() -> Self {
        Self::new(&fresh_phone(), &fresh_bsuid())
    }

    pub(crate) fn named(self, name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..self }
    }

    pub(crate) fn with_username(self, username: &str) -> Self {
        Self { username: Some(username.to_owned()), ..self }
    }

    pub(crate) fn with_parent(self, parent: &str) -> Self {
        Self { parent: Some(parent.to_owned()), ..self }
    }

    /// The same customer with the number withheld.
    pub(crate) fn without_phone(&self) -> Self {
        Self { phone: None, ..self.clone() }
    }

    /// The same customer in the shape before user ids.
    pub(crate) fn without_bsuid(&self) -> Self {
        Self { bsuid: None, parent: None, ..self.clone() }
    }

    pub(crate) fn phone(&self) -> &str {
        self.phone.as_deref().unwrap()
    }

    pub(crate) fn bsuid(&self) -> &str {
        self.bsuid.as_deref().unwrap()
    }

    /// The customer's entry in `contacts`.
    pub(crate) fn entry(&self) -> Value {
        let profile = members([("name", &self.name), ("username", &self.username)]);
        let mut entry = members([("wa_id", &self.phone), ("user_id", &self.bsuid), ("parent_user_id", &self.parent)]);
        if !profile.is_empty() {
            entry.insert("profile".to_owned(), profile.into());
        }
        entry.into()
    }

    /// A message from the customer, with its body under its kind.
    pub(crate) fn message(&self, at: i64, kind: &str, body: Value) -> Value {
        let mut message = self.from();
        message.extend(parts(at, kind, body));
        message.into()
    }

    pub(crate) fn text(&self, at: i64, body: &str) -> Value {
        self.message(at, "text", json!({"body": body}))
    }

    /// The sender fields of a message.
    pub(crate) fn from(&self) -> Map<String, Value> {
        members([("from", &self.phone), ("from_user_id", &self.bsuid), ("from_parent_user_id", &self.parent)])
    }

    /// An echo: a message to the customer from the business's phone app.
    pub(crate) fn echo(&self, at: i64, kind: &str, body: Value) -> Value {
        let mut message = members([("to", &self.phone), ("to_user_id", &self.bsuid)]);
        message.insert("from".to_owned(), json!("15550000000"));
        message.extend(parts(at, kind, body));
        message.into()
    }

    /// A status of a message to the customer.
    pub(crate) fn status(&self, at: i64, wamid: &str, status: &str) -> Value {
        let mut all = members([("recipient_id", &self.phone), ("recipient_user_id", &self.bsuid)]);
        all.insert("id".to_owned(), json!(wamid));
        all.insert("status".to_owned(), json!(status));
        all.insert("timestamp".to_owned(), json!(second(at).to_string()));
        all.into()
    }
}

/// A number of a country where numbers have one spelling.
pub(crate) fn fresh_phone() -> String {
    // No number of Germany begins with a zero after the country's code.
    let digits = fresh_digits();
    // E.164 has 15 digits at most.
    format!("491{}", &digits[digits.len() - 11..])
}

pub(crate) fn fresh_bsuid() -> String {
    format!("US.{}", fresh_digits())
}

/// The fields of every message.
fn parts(at: i64, kind: &str, body: Value) -> Map<String, Value> {
    let mut parts = Map::new();
    parts.insert("id".to_owned(), json!(fresh_wamid()));
    parts.insert("timestamp".to_owned(), json!(second(at).to_string()));
    parts.insert("type".to_owned(), json!(kind));
    parts.insert(kind.to_owned(), body);
    parts
}

/// The pairs that have a value.
fn members<const N: usize>(pairs: [(&str, &Option<String>); N]) -> Map<String, Value> {
    let present = pairs.into_iter().filter_map(|(key, value)| Some((key.to_owned(), json!(value.as_ref()?))));
    present.collect()
}

/// A system notice in place of a message. It comes without `contacts`.
pub(crate) fn system(at: i64, from: Option<&str>, body: Value) -> Value {
    let mut message = members([("from", &from.map(str::to_owned))]);
    message.extend(parts(at, "system", body));
    message.into()
}

impl Number {
    /// Messages of a customer.
    pub(crate) fn received(&self, from: &Customer, messages: &[Value]) -> Value {
        self.change("messages", json!({"contacts": [from.entry()], "messages": messages}))
    }

    /// Messages without `contacts`.
    pub(crate) fn notices(&self, messages: &[Value]) -> Value {
        self.change("messages", json!({"messages": messages}))
    }

    pub(crate) fn statuses(&self, statuses: &[Value]) -> Value {
        self.change("messages", json!({"statuses": statuses}))
    }

    /// Echoes from the business's phone app.
    pub(crate) fn echoes(&self, messages: &[Value]) -> Value {
        self.change("smb_message_echoes", json!({"message_echoes": messages}))
    }

    /// A chunk of messages from before the number was connected, with a thread for each customer.
    pub(crate) fn history(&self, threads: &[(&Customer, &[Value])]) -> Value {
        let threads: Vec<Value> = threads
            .iter()
            .map(|(customer, messages)| {
                let context = members([
                    ("wa_id", &customer.phone),
                    ("user_id", &customer.bsuid),
                    ("username", &customer.username),
                ]);
                let mut thread = members([("id", &customer.phone)]);
                thread.insert("context".to_owned(), context.into());
                thread.insert("messages".to_owned(), json!(messages));
                thread.into()
            })
            .collect();
        let metadata = json!({"phase": 1, "chunk_order": 2, "progress": 55});
        self.change("history", json!({"history": [{"metadata": metadata, "threads": threads}]}))
    }

    /// An event about the account, which names no number.
    pub(crate) fn account_change(&self, at: i64, field: &str, value: &Value) -> Value {
        json!({
            "object": "whatsapp_business_account",
            "entry": [{"id": self.waba_id, "time": second(at), "changes": [{"value": value, "field": field}]}],
        })
    }
}

/// One delivery with the entries of several.
pub(crate) fn joined<'d>(deliveries: impl IntoIterator<Item = &'d Value>) -> Value {
    let entries: Vec<Value> =
        deliveries.into_iter().flat_map(|delivery| delivery["entry"].as_array().unwrap().clone()).collect();
    json!({"object": "whatsapp_business_account", "entry": entries})
}

/// The id of a message.
pub(crate) fn wamid(message: &Value) -> &str {
    message["id"].as_str().unwrap()
}
