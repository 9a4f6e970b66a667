use audit::{AuditRepo, PlatformAuditRepo, Record};
use kernel::{StoreError, TenantScope};

use crate::{Database, TenantTx, settle};

/// Appends an audit record in the transaction of the change; `record` returns `None` if nothing changed. A refusal is not
/// recorded.
///
/// # Errors
/// The outcome's own, or that of the record.
pub async fn audited<T, E: From<StoreError>>(
    tx: &mut dyn TenantTx,
    outcome: Result<T, E>,
    record: impl FnOnce(&T) -> Option<Record>,
) -> Result<T, E> {
    let done = outcome?;
    if let Some(record) = record(&done) {
        AuditRepo::append_audit_record(tx, &record).await?;
    }
    Ok(done)
}

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
