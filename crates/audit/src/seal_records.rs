use chrono::{DateTime, Utc};
use kernel::StoreError;
use kernel::ids::TenantId;
use kernel::seal::{KeyRing, NoKey};

use crate::{AuditChainRepo, Seal};

#[derive(Debug, thiserror::Error)]
pub enum SealRecordsError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    NoKey(#[from] NoKey),
}

/// Seals the tenant's records that are not sealed yet, so many at most; how many. Nobody else does it meanwhile, so the chain
/// never forks; who writes records does not wait for it.
///
/// # Errors
/// [`SealRecordsError`].
pub async fn seal_records(
    repo: &mut dyn AuditChainRepo,
    tenant: TenantId,
    ring: &KeyRing,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<usize, SealRecordsError> {
    if !repo.lock_audit_chain().await? {
        return Ok(0);
    }
    let mut last = repo.last_audit_seal().await?;
    let mut seals: Vec<Seal> = Vec::new();
    for record in repo.unsealed_audit_records(limit).await? {
        let seal = Seal::next(ring, tenant, last.as_ref(), &record)?;
        last = Some(seal.clone());
        seals.push(seal);
    }
    if !seals.is_empty() {
        repo.insert_audit_seals(&seals, now).await?;
    }
    Ok(seals.len())
}
