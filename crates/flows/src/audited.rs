use audit::{AuditRepo, Record};
use kernel::StoreError;

use crate::TenantTx;

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
