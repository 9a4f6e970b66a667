use async_trait::async_trait;
use kernel::StoreError;

use crate::Record;

/// The log of the transaction's tenant.
#[async_trait]
pub trait AuditRepo: Send {
    async fn append_audit_record(&mut self, record: &Record) -> Result<(), StoreError>;
}

/// The operators' log: what belongs to no tenant.
#[async_trait]
pub trait PlatformAuditRepo: Send {
    async fn append_platform_audit_record(&mut self, record: &Record) -> Result<(), StoreError>;
}
