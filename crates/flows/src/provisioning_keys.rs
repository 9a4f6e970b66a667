use std::collections::BTreeSet;

use audit::{Action, Origin, PlatformAuditRepo, Record, target};
use chrono::{DateTime, Utc};
use kernel::ids::ProvisioningKeyId;
use kernel::{Clock, Entropy, NoEntropy, Operator, StoreError};
use tokens::{KeyScope, ProvisioningKey, ProvisioningKeyRepo, ProvisioningSecret};

/// What it takes to make and end provisioning keys.
pub trait ProvisioningTx: ProvisioningKeyRepo + PlatformAuditRepo {}

impl<T: ProvisioningKeyRepo + PlatformAuditRepo + ?Sized> ProvisioningTx for T {}

#[derive(Debug, thiserror::Error)]
pub enum CreateProvisioningKeyError {
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes a key for an operator's program; its secret is to be shown once.
///
/// # Errors
/// [`CreateProvisioningKeyError`].
pub async fn create_provisioning_key(
    operator: Operator,
    tx: &mut dyn ProvisioningTx,
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
    let record = Record::new(operator.into(), Origin::default(), Action::ProvisioningKeyCreated, clock)
        .about(target::PROVISIONING_KEY, &key.id)
        .with("name", key.name.as_str())
        .with("scopes", scopes);
    tx.append_platform_audit_record(&record).await?;
    Ok((key, secret))
}

/// Ends a key: its next use is refused. Whether there was one in force.
///
/// # Errors
/// [`StoreError`].
pub async fn revoke_provisioning_key(
    operator: Operator,
    tx: &mut dyn ProvisioningTx,
    key: ProvisioningKeyId,
    clock: &dyn Clock,
) -> Result<bool, StoreError> {
    let revoked = tx.revoke_provisioning_key(key, clock.now()).await?;
    if revoked {
        let record = Record::new(operator.into(), Origin::default(), Action::ProvisioningKeyRevoked, clock);
        tx.append_platform_audit_record(&record.about(target::PROVISIONING_KEY, &key)).await?;
    }
    Ok(revoked)
}
