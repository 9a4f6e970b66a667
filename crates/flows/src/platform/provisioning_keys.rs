use std::collections::BTreeSet;

use audit::{Action, PlatformAuditRepo, Record, RequestOrigin, target};
use chrono::{DateTime, Utc};
use kernel::ids::ProvisioningKeyId;
use kernel::{Clock, Entropy, EntropyUnavailable, Operator, StoreError};
use tokens::{KeyScope, ProvisioningKey, ProvisioningKeyRepo, ProvisioningSecret};

/// What creating and revoking provisioning keys needs.
pub trait ProvisioningKeyTx: ProvisioningKeyRepo + PlatformAuditRepo {}

impl<T: ProvisioningKeyRepo + PlatformAuditRepo + ?Sized> ProvisioningKeyTx for T {}

#[derive(Debug, thiserror::Error)]
pub enum CreateProvisioningKeyError {
    #[error(transparent)]
    EntropyUnavailable(#[from] EntropyUnavailable),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Creates a provisioning key. Its secret is returned once and not stored.
///
/// # Errors
/// [`CreateProvisioningKeyError`].
pub async fn create_provisioning_key(
    operator: Operator,
    tx: &mut dyn ProvisioningKeyTx,
    name: String,
    scopes: BTreeSet<KeyScope>,
    expires_at: Option<DateTime<Utc>>,
    entropy: &dyn Entropy,
    clock: &dyn Clock,
) -> Result<(ProvisioningKey, ProvisioningSecret), CreateProvisioningKeyError> {
    let secret = ProvisioningSecret::generate(entropy)?;
    let key = ProvisioningKey::new(name, scopes, expires_at, clock);
    tx.insert_provisioning_key(&key, &secret.hash()).await?;
    let scopes: Vec<&str> = key.scopes.iter().map(|scope| scope.key()).collect();
    let record = Record::new(operator.into(), RequestOrigin::default(), Action::ProvisioningKeyCreated, clock)
        .about(target::PROVISIONING_KEY, &key.id)
        .with("name", key.name.as_str())
        .with("scopes", scopes);
    tx.append_platform_audit_record(&record).await?;
    Ok((key, secret))
}

/// Revokes a provisioning key. Returns whether it was active.
///
/// # Errors
/// [`StoreError`].
pub async fn revoke_provisioning_key(
    operator: Operator,
    tx: &mut dyn ProvisioningKeyTx,
    key: ProvisioningKeyId,
    clock: &dyn Clock,
) -> Result<bool, StoreError> {
    let revoked = tx.revoke_provisioning_key(key, clock.now()).await?;
    if revoked {
        let record = Record::new(operator.into(), RequestOrigin::default(), Action::ProvisioningKeyRevoked, clock);
        tx.append_platform_audit_record(&record.about(target::PROVISIONING_KEY, &key)).await?;
    }
    Ok(revoked)
}
