//! What the sandbox accepted: the judge of doubles and losses.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// A request that the sandbox accepted, whether or not its caller got the answer.
#[derive(Debug, Serialize)]
pub(crate) struct Entry {
    /// From 1, without gaps.
    pub(crate) sequence: u64,
    pub(crate) received_at: String,
    pub(crate) received_at_ms: i64,
    #[serde(serialize_with = "text")]
    pub(crate) phone_number_id: Arc<str>,
    /// The `type` of the message, `read` or `typing`.
    pub(crate) kind: String,
    pub(crate) to: Option<String>,
    pub(crate) recipient: Option<String>,
    /// The phone number that got the message; null if it is lost.
    pub(crate) delivered_to: Option<String>,
    /// Null for read receipts.
    pub(crate) wamid: Option<String>,
    pub(crate) biz_opaque_callback_data: Option<String>,
    /// The fault that spoiled the answer.
    pub(crate) fault: Option<&'static str>,
    /// The fault that spoils the statuses.
    pub(crate) status_fault: Option<&'static str>,
    pub(crate) body: Box<RawValue>,
}

fn text<S: serde::Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

/// A request that the sandbox refused.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Refusal {
    pub(crate) received_at: String,
    pub(crate) phone_number_id: String,
    pub(crate) http_status: u16,
    pub(crate) code: i64,
    pub(crate) details: String,
}

const MAX_REFUSALS: usize = 1000;

#[derive(Debug, Default)]
pub(crate) struct Journal {
    entries: Vec<Entry>,
    refusals: VecDeque<Refusal>,
    refused: u64,
}

impl Journal {
    pub(crate) fn next_sequence(&self) -> u64 {
        self.entries.len() as u64 + 1
    }

    pub(crate) fn record(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    pub(crate) fn refuse(&mut self, refusal: Refusal) {
        self.refused += 1;
        self.refusals.push_back(refusal);
        if self.refusals.len() > MAX_REFUSALS {
            self.refusals.pop_front();
        }
    }

    /// The entries after a sequence, of one number or of all.
    pub(crate) fn after<'a>(&'a self, sequence: u64, number: Option<&'a str>) -> impl Iterator<Item = &'a Entry> {
        let start = usize::try_from(sequence).unwrap_or(usize::MAX).min(self.entries.len());
        self.entries[start..].iter().filter(move |entry| number.is_none_or(|wanted| *entry.phone_number_id == *wanted))
    }

    pub(crate) fn refusals(&self) -> impl Iterator<Item = &Refusal> {
        self.refusals.iter()
    }

    pub(crate) fn counts(&self) -> Value {
        serde_json::json!({"accepted": self.entries.len(), "refused": self.refused})
    }
}
