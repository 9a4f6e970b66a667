use kernel::{AuditRead, Authorization, Operator, Page, PageRequest, StoreError};

use crate::{AuditRepo, PlatformAuditReader, RecordFilter, StoredRecord};

/// The tenant's records, latest first.
///
/// # Errors
/// [`StoreError`].
pub async fn audit_log(
    _by: Authorization<AuditRead>,
    repo: &mut dyn AuditRepo,
    filter: &RecordFilter,
    page: &PageRequest,
) -> Result<Page<StoredRecord>, StoreError> {
    repo.audit_records(filter, page).await
}

/// The operators' records, latest first.
///
/// # Errors
/// [`StoreError`].
pub async fn platform_audit_log(
    _operator: Operator,
    repo: &mut dyn PlatformAuditReader,
    filter: &RecordFilter,
    page: &PageRequest,
) -> Result<Page<StoredRecord>, StoreError> {
    repo.platform_audit_records(filter, page).await
}
