//! What became of the last webhook requests.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use serde_json::value::RawValue;

const MAX_RECORDS: usize = 500;

/// What became of a request.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Record {
    pub(crate) sequence: u64,
    pub(crate) url: String,
    pub(crate) started_at: String,
    pub(crate) updates: usize,
    pub(crate) attempts: u32,
    pub(crate) http_status: Option<u16>,
    /// Why there was no answer.
    pub(crate) error: Option<String>,
    /// Of the last attempt.
    pub(crate) duration_ms: u64,
    pub(crate) state: State,
    pub(crate) signature: String,
    pub(crate) body: Box<RawValue>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// It is repeated.
    Trying,
    Delivered,
    GivenUp,
}

/// The last requests.
#[derive(Debug, Default)]
pub(crate) struct Deliveries {
    records: Mutex<(u64, VecDeque<Record>)>,
}

impl Deliveries {
    pub(crate) fn after(&self, sequence: u64) -> Vec<Record> {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        records.1.iter().filter(|record| record.sequence > sequence).cloned().collect()
    }

    pub(crate) fn clear(&self) {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).1.clear();
    }

    pub(super) fn add(&self, mut record: Record) -> u64 {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        records.0 += 1;
        record.sequence = records.0;
        records.1.push_back(record);
        if records.1.len() > MAX_RECORDS {
            records.1.pop_front();
        }
        records.0
    }

    pub(super) fn change(&self, sequence: u64, change: impl FnOnce(&mut Record)) {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(record) = records.1.iter_mut().rev().find(|record| record.sequence == sequence) {
            change(record);
        }
    }
}
