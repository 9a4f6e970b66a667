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
