use audit::{AuditRepo, PlatformAuditRepo, Record};
use kernel::{StoreError, TenantScope};

use crate::{Database, settle};

/// Appends a record to the tenant's audit log, in a transaction of its own.
pub(crate) async fn append_tenant_record(
    database: &dyn Database,
    scope: &TenantScope,
    record: &Record,
) -> Result<(), StoreError> {
    let mut tx = database.tenant(scope).await?;
    let outcome = AuditRepo::append_audit_record(&mut *tx, record).await;
    settle(tx, outcome).await
}

/// Appends a record to the platform's audit log, in a transaction of its own.
pub(crate) async fn append_platform_record(database: &dyn Database, record: &Record) -> Result<(), StoreError> {
    let mut tx = database.operator().await?;
    let outcome = PlatformAuditRepo::append_platform_audit_record(&mut *tx, record).await;
    settle(tx, outcome).await
}
