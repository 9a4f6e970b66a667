//! What a business does in a chat: sends, reacts, reads, types.

use std::sync::Arc;

use serde_json::Value;

use super::World;
use super::chat::{PhoneMessage, Ticks};
use super::customer::CustomerKey;
use super::status::SentMessage;
use crate::messages::request::Send;

/// What a template becomes with its parameters.
#[derive(Debug, Default)]
pub(crate) struct Rendered {
    pub(crate) text: Option<String>,
    pub(crate) category: Option<String>,
    pub(crate) quick_replies: Vec<String>,
}

impl World {
    /// A message of the business arrives in the chat of the customer.
    pub(crate) fn business_sends(
        &mut self,
        number: &Arc<str>,
        customer: CustomerKey,
        send: &Send,
        rendered: Rendered,
        facts: &Arc<SentMessage>,
        now: i64,
    ) {
        let message = PhoneMessage {
            id: facts.wamid.clone(),
            from_business: true,
            timestamp_ms: now,
            kind: send.kind.clone(),
            content: send.content.clone(),
            rendered: rendered.text,
            quick_replies: rendered.quick_replies,
            reply_to: send.reply_to.clone(),
            ticks: Ticks::Accepted,
            error_code: None,
            business_reaction: None,
            customer_reaction: None,
            sent: Some(Arc::clone(facts)),
        };
        self.chat(number, customer).business_types_until_ms = 0;
        self.show(number, customer, &message);
        self.keep_message(number, customer, message);
    }

    pub(crate) fn business_reacts(&mut self, number: &Arc<str>, customer: CustomerKey, reaction: &Value) {
        let target = reaction["message_id"].as_str().unwrap_or_default();
        let emoji = reaction["emoji"].as_str().filter(|emoji| !emoji.is_empty()).map(str::to_owned);
        if let Some(message) = self.chat(number, customer).find(target) {
            message.business_reaction = emoji;
            let message = message.clone();
            self.show(number, customer, &message);
        }
    }

    /// The business read a message and all before it, and perhaps types.
    pub(crate) fn business_reads(
        &mut self,
        number: &Arc<str>,
        customer: CustomerKey,
        wamid: &str,
        typing: bool,
        now: i64,
    ) {
        let chat = self.chat(number, customer);
        let last = chat.messages.iter().position(|message| message.id == wamid).map_or(0, |index| index + 1);
        let mut read = Vec::new();
        for message in
            chat.messages[..last].iter_mut().filter(|message| !message.from_business && message.ticks != Ticks::Read)
        {
            message.ticks = Ticks::Read;
            read.push(message.clone());
        }
        if typing {
            chat.business_types_until_ms = now + 25_000;
        }
        for message in read {
            self.show(number, customer, &message);
        }
        if typing {
            self.show_typing(number, customer);
        }
    }
}
