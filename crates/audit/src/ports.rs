use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel::ids::{AuditRecordId, TenantId};
use kernel::{Page, PageRequest, StoreError};

use crate::{Log, LogSummary, Record, RecordFilter, Seal, StoredRecord, SummarisedRecords, UnsealedRecord};

/// The log of the transaction's tenant.
#[async_trait]
pub trait AuditRepo: Send {
    /// Appends a record with its MAC (a [`SignedRecord`](crate::SignedRecord)); [`seal_records`](crate::seal_records) seals it
    /// later.
    async fn append_audit_record(&mut self, record: &Record) -> Result<(), StoreError>;
    /// Latest first.
    async fn audit_records(
        &mut self,
        filter: &RecordFilter,
        page: &PageRequest,
    ) -> Result<Page<StoredRecord>, StoreError>;
}

/// The hash chain over a log: that of the transaction's tenant, or the operators'.
#[async_trait]
pub trait AuditChainRepo: Send {
    fn log(&self) -> Log;
    /// Locks the chain until the transaction ends; `false` if another transaction holds the lock.
    async fn lock_audit_chain(&mut self) -> Result<bool, StoreError>;
    async fn last_audit_seal(&mut self) -> Result<Option<Seal>, StoreError>;
    /// Those without a MAC or with a MAC of one of these keys, oldest first.
    async fn unsealed_audit_records(&mut self, key_ids: &[&str], limit: i64)
    -> Result<Vec<UnsealedRecord>, StoreError>;
    /// Records that wait for their seal and cannot get it, as they have a MAC of another key, or were removed.
    async fn unsealable_audit_records(
        &mut self,
        key_ids: &[&str],
        limit: i64,
    ) -> Result<Vec<UnsealableRecord>, StoreError>;
    async fn insert_audit_seals(&mut self, seals: &[Seal]) -> Result<(), StoreError>;
    /// The seals after a sequence number, each with its record unless that was removed.
    async fn sealed_audit_records(
        &mut self,
        after: i64,
        limit: i64,
    ) -> Result<Vec<(Seal, Option<StoredRecord>)>, StoreError>;
    /// The summary of the records that were purged; `None` if none were.
    async fn audit_summary(&mut self) -> Result<Option<LogSummary>, StoreError>;
    async fn count_unsealed_audit_records(&mut self) -> Result<u64, StoreError>;
    /// Records that are neither sealed nor waiting for their seal: they were not inserted by the application.
    async fn unsequenced_audit_records(&mut self, limit: i64) -> Result<Vec<AuditRecordId>, StoreError>;
}

/// A record that waits for its seal and cannot get it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsealableRecord {
    pub record: AuditRecordId,
    /// The key of its MAC; `None` if the record was removed.
    pub key_id: Option<String>,
}

/// Unsealed records of all logs.
#[async_trait]
pub trait UnsealedDirectory: Send {
    /// Tenants with unsealed records, by id, after `after`.
    async fn tenants_with_unsealed_records(
        &mut self,
        after: Option<TenantId>,
        limit: i64,
    ) -> Result<Vec<TenantId>, StoreError>;
    /// The first by id, so by the time that the id names ([`id_time`](crate::id_time)).
    async fn oldest_unsealed_record(&mut self) -> Result<Option<AuditRecordId>, StoreError>;
}

/// Purges records of all logs.
#[async_trait]
pub trait PurgeRepo: Send {
    /// Tenants whose logs begin with a record that was sealed before a time and is not their last sealed one, by id, after
    /// `after`.
    async fn tenants_with_old_records(
        &mut self,
        sealed_before: DateTime<Utc>,
        after: Option<TenantId>,
        limit: i32,
    ) -> Result<Vec<TenantId>, StoreError>;
    /// Stores the summary and deletes the summarised records with their seals. Returns their number; 0 if records after
    /// [`SummarisedRecords::after`] were purged meanwhile. Fails for records that are not older than `before`, and for a time
    /// within the last 30 days.
    async fn purge_audit_records(
        &mut self,
        log: Log,
        records: &SummarisedRecords,
        before: DateTime<Utc>,
    ) -> Result<i64, StoreError>;
}

/// The operators' log, for appending.
#[async_trait]
pub trait PlatformAuditRepo: Send {
    async fn append_platform_audit_record(&mut self, record: &Record) -> Result<(), StoreError>;
}

/// The operators' log, for reading.
#[async_trait]
pub trait PlatformAuditReader: Send {
    /// Latest first.
    async fn platform_audit_records(
        &mut self,
        filter: &RecordFilter,
        page: &PageRequest,
    ) -> Result<Page<StoredRecord>, StoreError>;
}
