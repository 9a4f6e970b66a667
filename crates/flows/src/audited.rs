use audit::{AuditRepo, PlatformAuditRepo, Record};
use kernel::{StoreError, TenantScope};

use crate::{Database, TenantTx, settle};

/// Writes down what was done, in the transaction that it was done in; `record` says what, or that nothing was. A refusal
/// changes nothing, and is not written down.
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

/// Writes down, in a transaction of its own, what changed nothing: that somebody was refused. In the tenant's log.
pub(crate) async fn note_for_tenant(
    database: &dyn Database,
    scope: &TenantScope,
    record: &Record,
) -> Result<(), StoreError> {
    let mut tx = database.tenant(scope).await?;
    let outcome = AuditRepo::append_audit_record(&mut *tx, record).await;
    settle(tx, outcome).await
}

/// The same in the operators' log.
pub(crate) async fn note_for_operators(database: &dyn Database, record: &Record) -> Result<(), StoreError> {
    let mut tx = database.operator().await?;
    let outcome = PlatformAuditRepo::append_platform_audit_record(&mut *tx, record).await;
    settle(tx, outcome).await
}
