use async_trait::async_trait;
use audit::{AuditRepo, PlatformAuditRepo, Record, RecordFilter, StoredRecord};
use kernel::{Page, PageRequest, StoreError};

use super::FakeStore;

#[async_trait]
impl AuditRepo for FakeStore {
    async fn append_audit_record(&mut self, record: &Record) -> Result<(), StoreError> {
        self.audit_log.push(record.clone());
        Ok(())
    }

    async fn audit_records(&mut self, _: &RecordFilter, _: &PageRequest) -> Result<Page<StoredRecord>, StoreError> {
        unreachable!("use cases only append records")
    }
}

#[async_trait]
impl PlatformAuditRepo for FakeStore {
    async fn append_platform_audit_record(&mut self, record: &Record) -> Result<(), StoreError> {
        self.platform_audit_log.push(record.clone());
        Ok(())
    }
}

/// The changes of an audit record as `name=value`, in the order of the names; a text is quoted, as in JSON.
pub(crate) fn changes(record: &Record) -> Vec<String> {
    let mut changes: Vec<String> = record.changes.iter().map(|(name, value)| format!("{name}={value}")).collect();
    // Whether a map keeps its order depends on features that other crates choose.
    changes.sort();
    changes
}
