use channels::{ChangeMetaAppError, MetaAppDirectory, reseal_meta_app};
use kernel::ids::TenantId;
use kernel::seal::KeyRing;
use kernel::{Entropy, Operator, TenantScope};
use whatsapp::MetaAppKey;

use crate::{Database, settle};

/// Apps read at once.
const CHUNK: i64 = 100;

/// Seals the secrets of all tenants' Meta apps with the first key of the key ring, so that its other keys are no longer needed
/// for them. Returns the number of apps that were resealed. Those resealed before a failure stay so.
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
        let found = MetaAppDirectory::meta_apps_to_reseal(&mut *tx, ring.sealing_key_id().unwrap_or_default(), CHUNK);
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
                // Deleted meanwhile.
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
