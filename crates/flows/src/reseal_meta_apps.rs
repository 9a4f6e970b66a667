use inbound::{ChangeMetaAppError, MetaAppDirectory, MetaAppKey, reseal_meta_app};
use kernel::ids::TenantId;
use kernel::seal::KeyRing;
use kernel::{Entropy, Operator, TenantScope};

use crate::{Database, settle};

/// Apps that are looked for in one go.
const CHUNK: i64 = 100;

/// Seals the secrets of all tenants' Meta apps with the first key of the ring, so that the others are not needed for them any
/// more; how many apps had one that was sealed otherwise. What was done before a failure stays done.
///
/// # Errors
/// [`ChangeMetaAppError`].
pub async fn reseal_meta_apps(
    operator: Operator,
    database: &dyn Database,
    ring: &KeyRing,
    entropy: &dyn Entropy,
) -> Result<usize, ChangeMetaAppError> {
    let mut resealed = 0;
    loop {
        let mut tx = database.intake().await?;
        let found =
            MetaAppDirectory::meta_apps_sealed_otherwise(&mut *tx, ring.seals_with().unwrap_or_default(), CHUNK);
        let found = found.await;
        let found: Vec<(TenantId, MetaAppKey)> = settle::<_, _, kernel::StoreError>(tx, found).await?;
        if found.is_empty() {
            return Ok(resealed);
        }
        for (tenant, key) in found {
            let mut tx = database.tenant(&scope(tenant)).await?;
            let outcome = reseal_meta_app(operator, &mut *tx, &key, ring, entropy).await;
            match settle(tx, outcome).await {
                Ok(()) => resealed += 1,
                // Somebody deleted it meanwhile.
                Err(ChangeMetaAppError::Unknown) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "an app of this tenant is sealed with another key")]
const fn scope(tenant: TenantId) -> TenantScope {
    TenantScope::mint(tenant)
}
