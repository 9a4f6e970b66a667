//! What a customer does on the phone: writes, reacts, reads.

use std::sync::Arc;

use serde_json::{Value, json};

use super::World;
use super::chat::{PhoneMessage, Ticks};
use super::customer::{Customer, CustomerKey};
use super::settle::Outgoing;
use super::status::{DueStatus, StatusKind};
use crate::webhooks::payload::{Content, Update, metadata};

/// A message that a customer writes.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) kind: String,
    /// The object under the key that `kind` names.
    pub(crate) content: Value,
    pub(crate) reply_to: Option<String>,
}

impl World {
    /// The customer writes: the window opens, and a webhook tells it. Answers the id of the message.
    ///
    /// # Errors
    /// There is no such number.
    pub(crate) fn write(
        &mut self,
        phone_number_id: &str,
        customer: CustomerKey,
        written: Written,
        now_ms: i64,
    ) -> Result<(String, Option<Outgoing>), String> {
        let number = self.numbers.get_mut(phone_number_id).ok_or_else(|| format!("no number {phone_number_id}"))?;
        // What comes in counts against the number's throughput, but is never refused.
        if let Some(rate) = number.rate() {
            number.bucket.take(rate, now_ms);
        }
        let id = Arc::clone(&number.id);
        let wamid = self.ids.wamid();
        let person = self.customers.get(customer).clone();
        let mut message = json!({
            "id": wamid, "timestamp": (now_ms / 1000).to_string(), "type": written.kind, "from_user_id": person.bsuid,
        });
        if !person.phone_hidden {
            message["from"] = person.wa_id.as_str().into();
        }
        message[written.kind.as_str()] = written.content.clone();
        if let Some(reply_to) = &written.reply_to {
            let is_own = self.chat(&id, customer).find(reply_to).is_some_and(|quoted| !quoted.from_business);
            let author = if is_own { person.wa_id.clone() } else { self.display(phone_number_id) };
            message["context"] = json!({"from": author, "id": reply_to});
        }
        if written.kind == "reaction" {
            self.react(&id, customer, &written.content);
        } else {
            let shown = PhoneMessage {
                id: wamid.clone(),
                from_business: false,
                timestamp_ms: now_ms,
                kind: written.kind,
                content: written.content,
                rendered: None,
                quick_replies: Vec::new(),
                reply_to: written.reply_to,
                ticks: Ticks::Delivered,
                error_code: None,
                business_reaction: None,
                customer_reaction: None,
                sent: None,
            };
            self.show(&id, customer, &shown);
            self.keep_message(&id, customer, shown);
            let chat = self.chat(&id, customer);
            chat.customer_wrote_at_ms = Some(now_ms);
        }
        let value = json!({
            "messaging_product": "whatsapp",
            "metadata": metadata(phone_number_id, &self.display(phone_number_id)),
            "contacts": [contact(&person)],
            "messages": [message],
        });
        let outgoing = self.destination(phone_number_id, true).map(|destination| {
            let waba_id = self.numbers.get(phone_number_id).map(|number| number.settings.waba_id.clone());
            (
                destination,
                Update {
                    waba_id: waba_id.unwrap_or_default(),
                    content: Content::Change { field: "messages".to_owned(), value },
                },
            )
        });
        Ok((wamid, outgoing))
    }

    /// The customer opens the chat: the statuses of what was delivered and not read yet.
    pub(crate) fn read(&mut self, phone_number_id: &str, customer: CustomerKey) -> Vec<DueStatus> {
        let Some(number) = self.numbers.get(phone_number_id) else { return Vec::new() };
        let id = Arc::clone(&number.id);
        let unread = self.chat(&id, customer).messages.iter().filter(|message| message.ticks == Ticks::Delivered);
        unread
            .filter_map(|message| message.sent.clone())
            .map(|message| DueStatus { message, kind: StatusKind::Read, with_opaque_data: true })
            .collect()
    }

    fn react(&mut self, number: &Arc<str>, customer: CustomerKey, reaction: &Value) {
        let target = reaction["message_id"].as_str().unwrap_or_default();
        let emoji = reaction["emoji"].as_str().filter(|emoji| !emoji.is_empty()).map(str::to_owned);
        let chat = self.chat(number, customer);
        if let Some(message) = chat.find(target) {
            message.customer_reaction = emoji;
            let message = message.clone();
            self.show(number, customer, &message);
        }
    }

    fn display(&self, phone_number_id: &str) -> String {
        self.numbers.get(phone_number_id).map(|number| number.settings.display_phone_number.clone()).unwrap_or_default()
    }
}

/// The entry of `contacts` in webhooks.
pub(crate) fn contact(person: &Customer) -> Value {
    let mut contact = json!({"profile": {"name": person.name}, "user_id": person.bsuid});
    if let Some(username) = &person.username {
        contact["profile"]["username"] = username.as_str().into();
    }
    if !person.phone_hidden {
        contact["wa_id"] = person.wa_id.as_str().into();
    }
    contact
}
