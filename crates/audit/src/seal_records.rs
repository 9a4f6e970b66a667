use chrono::{DateTime, Utc};
use kernel::StoreError;
use kernel::ids::TenantId;
use kernel::seal::{KeyRing, NoSealingKey};

use crate::{AuditChainRepo, Seal};

#[derive(Debug, thiserror::Error)]
pub enum SealRecordsError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    NoSealingKey(#[from] NoSealingKey),
}

/// Seals up to `limit` unsealed records of the tenant, and returns how many. Holds the lock of the chain, so the chain never
/// forks; appending records does not wait for it.
///
/// # Errors
/// [`SealRecordsError`].
pub async fn seal_records(
    repo: &mut dyn AuditChainRepo,
    tenant: TenantId,
    key_ring: &KeyRing,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<usize, SealRecordsError> {
    if !repo.lock_audit_chain().await? {
        return Ok(0);
    }
    let mut last = repo.last_audit_seal().await?;
    let mut seals: Vec<Seal> = Vec::new();
    for record in repo.unsealed_audit_records(limit).await? {
        let seal = Seal::next(key_ring, tenant, last.as_ref(), &record)?;
        last = Some(seal.clone());
        seals.push(seal);
    }
    if !seals.is_empty() {
        repo.insert_audit_seals(&seals, now).await?;
    }
    Ok(seals.len())
}
