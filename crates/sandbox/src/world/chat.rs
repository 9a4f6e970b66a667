//! The messages between a number and a customer, as the customer's phone shows them.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::status::SentMessage;
use crate::bucket::Bucket;

/// What happened to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Ticks {
    /// Accepted, and nothing said of it yet.
    Accepted,
    Sent,
    Delivered,
    Read,
    Failed,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct PhoneMessage {
    pub(crate) id: String,
    pub(crate) from_business: bool,
    pub(crate) timestamp_ms: i64,
    pub(crate) kind: String,
    /// The message's object: what stands under the key that `kind` names.
    pub(crate) content: Value,
    /// The text of the template with its parameters.
    pub(crate) rendered: Option<String>,
    /// The texts of the template's quick replies.
    pub(crate) quick_replies: Vec<String>,
    /// The message that this one answers.
    pub(crate) reply_to: Option<String>,
    pub(crate) ticks: Ticks,
    pub(crate) error_code: Option<i64>,
    pub(crate) business_reaction: Option<String>,
    pub(crate) customer_reaction: Option<String>,
    /// What its statuses say; of messages of the business.
    #[serde(skip)]
    pub(crate) sent: Option<Arc<SentMessage>>,
}

const MAX_MESSAGES: usize = 500;

#[derive(Debug, Default)]
pub(crate) struct Chat {
    pub(crate) messages: Vec<PhoneMessage>,
    /// The customer's last message, by the sandbox's clock.
    pub(crate) customer_wrote_at_ms: Option<i64>,
    pub(crate) bucket: Bucket,
    pub(crate) business_types_until_ms: i64,
}

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

impl Chat {
    /// Adds a message and answers the ids of those that were dropped for it.
    pub(crate) fn add(&mut self, message: PhoneMessage) -> Vec<String> {
        self.messages.push(message);
        if self.messages.len() <= MAX_MESSAGES {
            return Vec::new();
        }
        self.messages.drain(..MAX_MESSAGES / 5).map(|message| message.id).collect()
    }

    pub(crate) fn find(&mut self, id: &str) -> Option<&mut PhoneMessage> {
        self.messages.iter_mut().rev().find(|message| message.id == id)
    }

    /// Whether the business may write freely: for 24 hours after the customer's last message.
    pub(crate) fn window_is_open(&self, now_ms: i64) -> bool {
        self.customer_wrote_at_ms.is_some_and(|wrote| now_ms < wrote + DAY_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn window_closes_after_a_day() {
        let mut chat = Chat::default();
        assert!(!chat.window_is_open(0));
        chat.customer_wrote_at_ms = Some(1000);
        assert!(chat.window_is_open(1000 + DAY_MS - 1));
        assert!(!chat.window_is_open(1000 + DAY_MS));
    }
}
