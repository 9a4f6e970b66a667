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
    let scopes: Vec<&str> = key.scopes.iter().map(KeyScope::into_str).collect();
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

#[cfg(test)]
mod tests {
    use audit::Principal;
    use kernel::SystemEntropy;
    use tokens::ProvisioningKeyHash;

    use super::*;
    use crate::fake::{FakeStore, NoEntropy, at, changes, operator, run};

    fn create(
        store: &mut FakeStore,
        entropy: &dyn Entropy,
    ) -> Result<(ProvisioningKey, ProvisioningSecret), CreateProvisioningKeyError> {
        let clock = store.clock.clone();
        let scopes = [KeyScope::AuditRead, KeyScope::TenantsWrite].into();
        run(create_provisioning_key(operator(), store, "CI".to_owned(), scopes, Some(at(9)), entropy, &*clock))
    }

    fn revoke(store: &mut FakeStore, key: ProvisioningKeyId) -> bool {
        let clock = store.clock.clone();
        run(revoke_provisioning_key(operator(), store, key, &*clock)).unwrap()
    }

    #[test]
    fn created_key_is_found_by_its_secret() {
        let mut store = FakeStore::new();
        let (key, secret) = create(&mut store, &SystemEntropy::new()).unwrap();
        assert_eq!(store.provisioning_keys, [(key.clone(), ProvisioningKeyHash::of(secret.expose()))]);
        assert_eq!((key.expires_at, key.is_in_force(at(8)), key.is_in_force(at(9))), (Some(at(9)), true, false));
    }

    #[test]
    fn created_key_is_audited_without_its_secret() {
        let mut store = FakeStore::new();
        let (key, _) = create(&mut store, &SystemEntropy::new()).unwrap();
        let [record] = &store.platform_audit_log[..] else { panic!("{:?}", store.audited_on_platform()) };
        assert_eq!((record.action, record.actor), (Action::ProvisioningKeyCreated, Principal::CommandLine));
        assert_eq!(record.target.as_ref().unwrap().id, key.id.to_string());
        assert_eq!(changes(record), [r#"name="CI""#, r#"scopes=["tenants:write","audit:read"]"#]);
    }

    #[test]
    fn key_is_not_created_without_entropy() {
        let mut store = FakeStore::new();
        let outcome = create(&mut store, &NoEntropy);
        assert!(matches!(outcome, Err(CreateProvisioningKeyError::EntropyUnavailable(_))));
        assert!(store.provisioning_keys.is_empty() && store.platform_audit_log.is_empty());
    }

    #[test]
    fn key_is_revoked_and_audited_once() {
        let mut store = FakeStore::new();
        let (key, _) = create(&mut store, &SystemEntropy::new()).unwrap();
        assert!(revoke(&mut store, key.id) && !revoke(&mut store, key.id));
        assert!(!store.provisioning_keys[0].0.is_in_force(at(0)));
        assert_eq!(store.audited_on_platform(), [Action::ProvisioningKeyCreated, Action::ProvisioningKeyRevoked]);
        assert_eq!(store.platform_audit_log[1].target.as_ref().unwrap().id, key.id.to_string());
    }

    #[test]
    fn unknown_key_is_not_revoked() {
        let mut store = FakeStore::new();
        create(&mut store, &SystemEntropy::new()).unwrap();
        let unknown = ProvisioningKeyId::new(&*store.clock);
        assert!(!revoke(&mut store, unknown));
        assert!(store.provisioning_keys[0].0.is_in_force(at(0)));
        assert_eq!(store.audited_on_platform(), [Action::ProvisioningKeyCreated]);
    }
}
