//! An in-memory chain for the unit tests of this crate.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use chrono::DateTime;
use kernel::ids::AuditRecordId;
use kernel::seal::{KeyRing, Tag};
use kernel::{Clock, StoreError, SystemClock};

use crate::{
    Action, AuditChainRepo, Log, LogSummary, Principal, Record, RequestOrigin, Seal, SignedRecord, StoredRecord,
    SummarisedRecords, UnsealableRecord, UnsealedRecord,
};

pub(crate) fn key_ring(keys: &[(&str, u8)]) -> KeyRing {
    KeyRing::new(keys.iter().map(|(id, byte)| ((*id).to_owned(), vec![*byte; 32].into()))).unwrap()
}

/// A record with this action.
pub(crate) fn record(action: &str) -> StoredRecord {
    StoredRecord {
        id: AuditRecordId::from_uuid(SystemClock::new().new_id()),
        sequence: None,
        occurred_at: DateTime::UNIX_EPOCH,
        actor_kind: "user".to_owned(),
        actor_id: None,
        address: None,
        request_id: None,
        action: action.to_owned(),
        target_kind: None,
        target_id: None,
        outcome: "done".to_owned(),
        changes: "{}".to_owned(),
    }
}

/// The seal that a version of the application made that did not check who wrote a record.
pub(crate) fn seal_without_provenance(
    ring: &KeyRing,
    log: Log,
    previous: Option<&Seal>,
    record: &StoredRecord,
) -> Seal {
    let mut seal = Seal {
        sequence: previous.map_or(0, |seal| seal.sequence) + 1,
        record: record.id,
        tag: Tag { key_id: String::new(), bytes: Vec::new() },
        sealed_at: DateTime::UNIX_EPOCH,
        provenance: None,
    };
    seal.tag = ring.tag("parley audit seal v1", &seal.covered_bytes(log, previous, record)).unwrap();
    seal
}

/// Runs a use case on in-memory repositories, which never wait.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("an in-memory repository never waits"),
    }
}

#[derive(Clone)]
pub(crate) struct FakeChain {
    log: Log,
    pub(crate) summary: Option<LogSummary>,
    pub(crate) records: Vec<StoredRecord>,
    /// In the order in which they were written, each with its MAC.
    pub(crate) unsealed: Vec<(AuditRecordId, Option<Tag>)>,
    pub(crate) seals: Vec<Seal>,
}

impl FakeChain {
    pub(crate) const fn new(log: Log) -> Self {
        Self { log, summary: None, records: Vec::new(), unsealed: Vec::new(), seals: Vec::new() }
    }

    /// Appends a record as the application does.
    pub(crate) fn append(&mut self, ring: &KeyRing) {
        let clock = SystemClock::new();
        let record = Record::new(Principal::CommandLine, RequestOrigin::default(), Action::UserCreated, &clock);
        let signed = SignedRecord::new(ring, self.log, &record).unwrap();
        self.insert(signed.record().clone(), Some(signed.mac().clone()));
    }

    pub(crate) fn insert(&mut self, record: StoredRecord, mac: Option<Tag>) {
        self.unsealed.push((record.id, mac));
        self.records.push(record);
    }

    /// Changes the last record, which is not sealed yet, before it gets its MAC.
    pub(crate) fn rewrite_last(&mut self, ring: &KeyRing, change: impl FnOnce(&mut StoredRecord)) {
        let last = self.records.last_mut().unwrap();
        change(last);
        self.unsealed.last_mut().unwrap().1 = Some(SignedRecord::mac_of(ring, self.log, last).unwrap());
    }

    pub(crate) fn purge(&mut self, records: &SummarisedRecords) {
        let (purged, kept) = self.seals.drain(..).partition(|seal| seal.sequence <= records.summary.covered.sequence);
        let purged: Vec<Seal> = purged;
        self.seals = kept;
        self.records.retain(|record| purged.iter().all(|seal| seal.record != record.id));
        self.summary = Some(records.summary.clone());
    }

    fn record(&self, id: AuditRecordId) -> Option<StoredRecord> {
        self.records.iter().find(|record| record.id == id).cloned()
    }
}

#[async_trait]
impl AuditChainRepo for FakeChain {
    fn log(&self) -> Log {
        self.log
    }

    async fn lock_audit_chain(&mut self) -> Result<bool, StoreError> {
        Ok(true)
    }

    async fn last_audit_seal(&mut self) -> Result<Option<Seal>, StoreError> {
        Ok(self.seals.last().cloned())
    }

    async fn unsealed_audit_records(
        &mut self,
        key_ids: &[&str],
        limit: i64,
    ) -> Result<Vec<UnsealedRecord>, StoreError> {
        let known = |mac: &Option<Tag>| mac.as_ref().is_none_or(|mac| key_ids.contains(&mac.key_id.as_str()));
        let waiting = self.unsealed.iter().filter(|(_, mac)| known(mac));
        let waiting =
            waiting.filter_map(|(id, mac)| Some(UnsealedRecord { record: self.record(*id)?, mac: mac.clone() }));
        Ok(waiting.take(usize::try_from(limit).unwrap()).collect())
    }

    async fn unsealable_audit_records(
        &mut self,
        key_ids: &[&str],
        limit: i64,
    ) -> Result<Vec<UnsealableRecord>, StoreError> {
        let unsealable = self.unsealed.iter().filter_map(|(id, mac)| {
            if self.record(*id).is_none() {
                return Some(UnsealableRecord { record: *id, key_id: None });
            }
            let key_id = mac.as_ref().map(|mac| mac.key_id.clone()).filter(|id| !key_ids.contains(&id.as_str()))?;
            Some(UnsealableRecord { record: *id, key_id: Some(key_id) })
        });
        Ok(unsealable.take(usize::try_from(limit).unwrap()).collect())
    }

    async fn insert_audit_seals(&mut self, seals: &[Seal]) -> Result<(), StoreError> {
        self.seals.extend_from_slice(seals);
        self.unsealed.retain(|(id, _)| seals.iter().all(|seal| seal.record != *id));
        Ok(())
    }

    async fn sealed_audit_records(
        &mut self,
        after: i64,
        limit: i64,
    ) -> Result<Vec<(Seal, Option<StoredRecord>)>, StoreError> {
        let seals = self.seals.iter().filter(|seal| seal.sequence > after).take(usize::try_from(limit).unwrap());
        Ok(seals.map(|seal| (seal.clone(), self.record(seal.record))).collect())
    }

    async fn audit_summary(&mut self) -> Result<Option<LogSummary>, StoreError> {
        Ok(self.summary.clone())
    }

    async fn count_unsealed_audit_records(&mut self) -> Result<u64, StoreError> {
        Ok(self.unsealed.len() as u64)
    }

    async fn unsequenced_audit_records(&mut self, _limit: i64) -> Result<Vec<AuditRecordId>, StoreError> {
        Ok(Vec::new())
    }
}
