use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel::ids::{AuditRecordId, TenantId};
use kernel::{Page, PageRequest, StoreError};

use crate::{Record, RecordFilter, Seal, StoredRecord};

/// The log of the transaction's tenant.
#[async_trait]
pub trait AuditRepo: Send {
    /// Appends a record; [`seal_records`](crate::seal_records) seals it later.
    async fn append_audit_record(&mut self, record: &Record) -> Result<(), StoreError>;
    /// Latest first.
    async fn audit_records(
        &mut self,
        filter: &RecordFilter,
        page: &PageRequest,
    ) -> Result<Page<StoredRecord>, StoreError>;
}

/// The hash chain over the log of the transaction's tenant.
#[async_trait]
pub trait AuditChainRepo: Send {
    /// Locks the chain until the transaction ends; `false` if another transaction holds the lock.
    async fn lock_audit_chain(&mut self) -> Result<bool, StoreError>;
    async fn last_audit_seal(&mut self) -> Result<Option<Seal>, StoreError>;
    /// Oldest first.
    async fn unsealed_audit_records(&mut self, limit: i64) -> Result<Vec<StoredRecord>, StoreError>;
    async fn insert_audit_seals(&mut self, seals: &[Seal], now: DateTime<Utc>) -> Result<(), StoreError>;
    /// The seals after a sequence number, each with its record unless that was removed.
    async fn sealed_audit_records(
        &mut self,
        after: i64,
        limit: i64,
    ) -> Result<Vec<(Seal, Option<StoredRecord>)>, StoreError>;
    async fn count_unsealed_audit_records(&mut self) -> Result<u64, StoreError>;
    /// Records that are neither sealed nor waiting for their seal: they were not inserted by the application.
    async fn unsequenced_audit_records(&mut self, limit: i64) -> Result<Vec<AuditRecordId>, StoreError>;
}

/// Tenants with unsealed records.
#[async_trait]
pub trait UnsealedDirectory: Send {
    async fn tenants_with_unsealed_records(&mut self, limit: i64) -> Result<Vec<TenantId>, StoreError>;
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
