use channels::{AccountCredentialsDirectory, AccountCredentialsError, AccountSecretsRepo};
use kernel::ids::{AccountId, TenantId};
use kernel::seal::KeyRing;
use kernel::{Clock, Entropy, Operator, StoreError, TenantScope};

use crate::Database;

/// Accounts read at once.
const CHUNK: i64 = 100;

/// Seals the access tokens and PINs of all tenants' accounts with the first key of the key ring, so that its other keys are no longer
/// needed for them. Returns the number of accounts whose secrets were resealed. Those resealed before a failure stay so.
///
/// # Errors
/// [`AccountCredentialsError`].
pub async fn reseal_account_credentials(
    _operator: Operator,
    database: &dyn Database,
    ring: &KeyRing,
    entropy: &dyn Entropy,
    clock: &dyn Clock,
) -> Result<usize, AccountCredentialsError> {
    let key = ring.sealing_key_id().unwrap_or_default();
    let mut resealed = 0;
    loop {
        let found: Vec<(TenantId, AccountId)> = database
            .in_directory::<_, StoreError>(async |tx| {
                AccountCredentialsDirectory::account_credentials_to_reseal(tx, key, CHUNK).await
            })
            .await?;
        if found.is_empty() {
            return Ok(resealed);
        }
        for (tenant, account) in found {
            database
                .in_tenant(&scope(tenant), async |tx| reseal_account(tx, account, ring, entropy, clock).await)
                .await?;
            resealed += 1;
        }
    }
}

async fn reseal_account(
    repo: &mut dyn AccountSecretsRepo,
    account: AccountId,
    ring: &KeyRing,
    entropy: &dyn Entropy,
    clock: &dyn Clock,
) -> Result<(), AccountCredentialsError> {
    repo.lock_account(account).await?;
    // Deleted meanwhile, if there are none.
    if let Some(credentials) = repo.account_credentials(account).await? {
        let resealed = credentials.reseal(ring, entropy)?;
        repo.save_account_credentials(&resealed, clock.now()).await?;
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a secret of this tenant is sealed with another key")]
const fn scope(tenant: TenantId) -> TenantScope {
    TenantScope::mint(tenant)
}
