//! The body of a webhook, in the form in which Meta writes and signs it.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

/// One thing that a webhook tells.
#[derive(Debug)]
pub(crate) struct Update {
    pub(crate) waba_id: String,
    pub(crate) content: Content,
}

#[derive(Debug)]
pub(crate) enum Content {
    /// A status; several of one number share a change.
    Status { phone_number_id: String, display_phone_number: String, status: Value, contact: Option<Value> },
    /// A change of its own.
    Change { field: String, value: Value },
}

/// The body for these updates. Statuses of one number are written together.
pub(crate) fn body(updates: &[Update], now_ms: i64) -> String {
    let mut entries: Vec<(&str, Vec<Value>)> = Vec::new();
    let mut is_about_accounts = false;
    // Where the change of a number's statuses is.
    let mut of_number: Map<String, Value> = Map::new();
    for update in updates {
        let entry = if let Some(index) = entries.iter().position(|(waba, _)| *waba == update.waba_id) {
            index
        } else {
            entries.push((&update.waba_id, Vec::new()));
            entries.len() - 1
        };
        let changes = &mut entries[entry].1;
        match &update.content {
            Content::Change { field, value } => {
                is_about_accounts |= field != "messages";
                changes.push(json!({"value": value, "field": field}));
            }
            Content::Status { phone_number_id, display_phone_number, status, contact } => {
                let known = of_number
                    .get(phone_number_id)
                    .and_then(Value::as_u64)
                    .and_then(|index| usize::try_from(index).ok());
                let index = known.unwrap_or_else(|| {
                    of_number.insert(phone_number_id.clone(), changes.len().into());
                    let metadata = metadata(phone_number_id, display_phone_number);
                    let value = json!({"messaging_product": "whatsapp", "metadata": metadata, "statuses": []});
                    changes.push(json!({"value": value, "field": "messages"}));
                    changes.len() - 1
                });
                let value = &mut changes[index]["value"];
                if let Some(contact) = contact {
                    push(&mut value["contacts"], contact.clone());
                }
                push(&mut value["statuses"], status.clone());
            }
        }
    }
    let entries: Vec<Value> = entries
        .into_iter()
        .map(|(waba, changes)| {
            let mut entry = json!({"id": waba, "changes": changes});
            if is_about_accounts {
                entry["time"] = (now_ms / 1000).into();
            }
            entry
        })
        .collect();
    escape(&json!({"object": "whatsapp_business_account", "entry": entries}).to_string())
}

pub(crate) fn metadata(phone_number_id: &str, display_phone_number: &str) -> Value {
    json!({"display_phone_number": display_phone_number, "phone_number_id": phone_number_id})
}

fn push(list: &mut Value, item: Value) {
    match list {
        Value::Array(items) if items.contains(&item) && item.get("id").is_none() => {}
        Value::Array(items) => items.push(item),
        other => *other = Value::Array(vec![item]),
    }
}

/// Meta writes characters outside ASCII and slashes escaped, and signs that.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + text.len() / 8);
    for c in text.chars() {
        match c {
            '/' => escaped.push_str("\\/"),
            c if c.is_ascii() => escaped.push(c),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a String cannot fail.
                    let _written = write!(escaped, "\\u{unit:04x}");
                }
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(number: &str, id: &str) -> Update {
        Update {
            waba_id: "2".to_owned(),
            content: Content::Status {
                phone_number_id: number.to_owned(),
                display_phone_number: "1555".to_owned(),
                status: json!({"id": id}),
                contact: Some(json!({"user_id": "US.1"})),
            },
        }
    }

    #[test]
    fn statuses_of_one_number_share_a_change() {
        let body = body(&[status("1", "a"), status("1", "b"), status("3", "c")], 0);
        let body: Value = serde_json::from_str(&body).unwrap();
        let changes = body["entry"][0]["changes"].as_array().unwrap();
        assert_eq!(changes.len(), 2);
        assert_eq!(changes[0]["value"]["statuses"].as_array().unwrap().len(), 2);
        assert_eq!(changes[0]["value"]["contacts"].as_array().unwrap().len(), 1);
        assert_eq!(changes[1]["value"]["metadata"]["phone_number_id"], "3");
    }

    #[test]
    fn same_status_twice_stays_twice() {
        let body: Value = serde_json::from_str(&body(&[status("1", "a"), status("1", "a")], 0)).unwrap();
        assert_eq!(body["entry"][0]["changes"][0]["value"]["statuses"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn body_is_ascii_with_escaped_slashes() {
        assert_eq!(escape("é/🙂"), "\\u00e9\\/\\ud83d\\ude42");
    }
}
