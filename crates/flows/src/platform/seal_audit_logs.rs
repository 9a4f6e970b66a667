use audit::{SealRecordsError, UnsealedDirectory, seal_records};
use kernel::ids::TenantId;
use kernel::seal::KeyRing;
use kernel::{Clock, TenantScope};

use crate::{Database, settle};

/// Tenants per run. The next run seals the rest.
const TENANTS: i64 = 1_000;
/// Records sealed in one transaction.
const RECORDS: i64 = 500;

/// Seals the unsealed records of all audit logs. Returns their number. Any number of processes may do so.
///
/// # Errors
/// [`SealRecordsError`]; records sealed before the error stay sealed.
pub async fn seal_audit_logs(
    database: &dyn Database,
    ring: &KeyRing,
    clock: &dyn Clock,
) -> Result<usize, SealRecordsError> {
    let mut tx = database.directory().await?;
    let outcome = UnsealedDirectory::tenants_with_unsealed_records(&mut *tx, TENANTS).await;
    let mut sealed = 0;
    for tenant in settle(tx, outcome).await? {
        loop {
            let mut tx = database.tenant(&scope(tenant)).await?;
            let outcome = seal_records(&mut *tx, tenant, ring, clock.now(), RECORDS).await;
            let records = settle(tx, outcome).await?;
            sealed += records;
            if i64::try_from(records) != Ok(RECORDS) {
                break;
            }
        }
    }
    Ok(sealed)
}

#[expect(clippy::disallowed_methods, reason = "the tenant has records that are to be sealed")]
const fn scope(tenant: TenantId) -> TenantScope {
    TenantScope::mint(tenant)
}
