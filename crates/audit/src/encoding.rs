//! The bytes that authentication tags cover.

use crate::{Log, StoredRecord};

/// Concatenates parts. Each is prefixed with its length, so that different parts give different bytes.
#[derive(Default)]
pub(crate) struct Encoder(Vec<u8>);

impl Encoder {
    pub(crate) fn push(&mut self, part: Option<&[u8]>) {
        self.0.push(u8::from(part.is_some()));
        let part = part.unwrap_or_default();
        self.0.extend_from_slice(&(part.len() as u64).to_be_bytes());
        self.0.extend_from_slice(part);
    }

    pub(crate) fn push_log(&mut self, log: Log) {
        match log {
            Log::Tenant(tenant) => self.push(Some(tenant.as_uuid().as_bytes())),
            Log::Platform => self.push(None),
        }
    }

    pub(crate) fn push_record(&mut self, record: &StoredRecord) {
        self.push(Some(record.id.as_uuid().as_bytes()));
        self.push(Some(&record.occurred_at.timestamp_micros().to_be_bytes()));
        for text in [
            Some(&record.actor_kind),
            record.actor_id.as_ref(),
            record.address.as_ref(),
            record.request_id.as_ref(),
            Some(&record.action),
            record.target_kind.as_ref(),
            record.target_id.as_ref(),
            Some(&record.outcome),
            Some(&record.changes),
        ] {
            self.push(text.map(String::as_bytes));
        }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }
}
