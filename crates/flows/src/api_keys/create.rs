use audit::{Action, Record, RequestOrigin};
use chrono::{DateTime, Utc};
use kernel::ids::ApiKeyId;
use kernel::{ApiKeysWrite, Clock, Entropy, EntropyUnavailable, PermissionSet, Permit, StoreError};
use tokens::{ApiKey, ApiKeyName, ApiKeySecret, Networks};

use super::{ApiKeyTx, about, keys};
use crate::{AuthorityError, lock_authority};

/// A key to make.
#[derive(Clone, Debug)]
pub struct NewApiKey {
    pub name: ApiKeyName,
    /// Of those that keys can hold.
    pub permissions: PermissionSet,
    pub networks: Networks,
    pub expires_at: DateTime<Utc>,
}

#[derive(Debug, thiserror::Error)]
pub enum CreateApiKeyError {
    #[error("the tenant already has {} active keys", ApiKey::MAX_ACTIVE)]
    TooMany,
    #[error(transparent)]
    EntropyUnavailable(#[from] EntropyUnavailable),
    #[error(transparent)]
    Authority(#[from] AuthorityError),
}

/// Makes a key. The caller must hold its permissions now; the key keeps them when the caller loses them. The secret is returned
/// once, and not stored.
///
/// # Errors
/// [`CreateApiKeyError`].
pub async fn create_api_key(
    permit: Permit<ApiKeysWrite>,
    tx: &mut dyn ApiKeyTx,
    new: NewApiKey,
    origin: RequestOrigin,
    entropy: &dyn Entropy,
    clock: &dyn Clock,
) -> Result<(ApiKey, ApiKeySecret), CreateApiKeyError> {
    let authority = lock_authority(tx, &permit).await?;
    authority.grant(&new.permissions).map_err(AuthorityError::from)?;
    let now = clock.now();
    if tx.active_api_keys(now).await? >= ApiKey::MAX_ACTIVE {
        return Err(CreateApiKeyError::TooMany);
    }
    let NewApiKey { name, permissions, networks, expires_at } = new;
    let key = ApiKey {
        id: ApiKeyId::new(clock),
        name,
        permissions,
        networks,
        created_by: Some(permit.user()),
        created_at: now,
        expires_at,
        revoked_at: None,
        last_used_at: None,
        previous_valid_until: None,
    };
    let secret = ApiKeySecret::generate(permit.scope().tenant(), key.id, entropy)?;
    tx.insert_api_key(&key, &secret.hash()).await?;
    let record = about(Record::new(permit.actor().into(), origin, Action::ApiKeyCreated, clock), &key)
        .with("name", key.name.as_str())
        .with("permissions", keys(&key.permissions))
        .with("networks", key.networks.texts())
        .with("expires_at", key.expires_at.to_rfc3339());
    tx.append_audit_record(&record).await?;
    Ok((key, secret))
}

impl From<StoreError> for CreateApiKeyError {
    fn from(error: StoreError) -> Self {
        Self::Authority(error.into())
    }
}

#[cfg(test)]
mod tests {
    use kernel::Permission;
    use rbac::SystemRole;
    use tokens::ShownApiKey;

    use super::*;
    use crate::fake::{FakeStore, NoEntropy, TENANT, at, changes, make_api_key, new_api_key, origin, run};

    #[test]
    fn made_key_is_found_by_its_secret_and_audited() {
        let mut store = FakeStore::with_owner();
        let (key, secret) = make_api_key(&mut store, &[Permission::CrmWrite]).unwrap();
        let shown = ShownApiKey::parse(secret.expose()).unwrap();
        assert_eq!((shown.tenant, shown.key), (TENANT, key.id));
        assert!(store.api_keys[0].1.is(&shown.hash));
        assert_eq!(key.created_by, Some(store.caller));
        let record = store.audit_log.pop().unwrap();
        assert_eq!(
            (record.action, record.target.as_ref().unwrap().id.as_str()),
            (Action::ApiKeyCreated, &*key.id.to_string())
        );
        let listed = changes(&record).join(" ");
        assert!(
            listed.contains(r#"permissions=["crm:read","crm:write"]"#) && !listed.contains(secret.expose()),
            "{listed}"
        );
    }

    #[test]
    fn key_with_more_than_its_maker_is_refused() {
        let mut store = FakeStore::with_owner();
        store.memberships.clear();
        let maker = store.caller;
        store.give_permissions(maker, &[Permission::ApiKeysWrite, Permission::CrmRead]);
        let refused = make_api_key(&mut store, &[Permission::CrmWrite]);
        assert!(matches!(refused, Err(CreateApiKeyError::Authority(AuthorityError::PermissionNotHeld(_)))));
        assert!(store.api_keys.is_empty() && store.audit_log.is_empty());
        make_api_key(&mut store, &[Permission::CrmRead]).unwrap();
    }

    #[test]
    fn maker_who_lost_the_permission_is_refused() {
        let mut store = FakeStore::with_owner();
        store.caller = store.add_user("agent", SystemRole::Agent);
        let refused = make_api_key(&mut store, &[Permission::CrmRead]);
        assert!(matches!(refused, Err(CreateApiKeyError::Authority(AuthorityError::PermissionLost))));
    }

    #[test]
    fn key_beyond_the_limit_is_refused_until_one_ends() {
        let mut store = FakeStore::with_owner();
        for _ in 0..ApiKey::MAX_ACTIVE {
            make_api_key(&mut store, &[Permission::CrmRead]).unwrap();
        }
        assert!(matches!(make_api_key(&mut store, &[Permission::CrmRead]), Err(CreateApiKeyError::TooMany)));
        store.api_keys[0].0.revoked_at = Some(at(0));
        make_api_key(&mut store, &[Permission::CrmRead]).unwrap();
    }

    #[test]
    fn key_is_not_made_without_entropy() {
        let mut store = FakeStore::with_owner();
        let (permit, clock) = (store.permit(), store.clock.clone());
        let new = new_api_key(&store, &[Permission::CrmRead]);
        let outcome = run(create_api_key(permit, &mut store, new, origin(), &NoEntropy, &*clock));
        assert!(matches!(outcome, Err(CreateApiKeyError::EntropyUnavailable(_))));
        assert!(store.api_keys.is_empty());
    }
}
