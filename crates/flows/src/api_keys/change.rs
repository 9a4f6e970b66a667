use audit::{Action, Record, RequestOrigin};
use chrono::{DateTime, Utc};
use kernel::ids::ApiKeyId;
use kernel::{ApiKeysWrite, Clock, EntropyUnavailable, PermissionSet, Permit, StoreError};
use rbac::Authority;
use tokens::{ApiKey, ApiKeyName, ApiKeyState, Networks};

use super::{ApiKeyTx, about, keys};
use crate::{AuthorityError, lock_authority};

/// Changes to a key. `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct ApiKeyPatch {
    pub name: Option<ApiKeyName>,
    /// Of those that keys can hold.
    pub permissions: Option<PermissionSet>,
    pub networks: Option<Networks>,
    pub expires_at: Option<DateTime<Utc>>,
}

/// Why a key cannot be changed, or its secret not replaced.
#[derive(Debug, thiserror::Error)]
pub enum ChangeApiKeyError {
    #[error("the key does not exist")]
    Unknown,
    /// A key that has ended stays as it is.
    #[error("the key is expired or revoked")]
    Ended,
    #[error(transparent)]
    EntropyUnavailable(#[from] EntropyUnavailable),
    #[error(transparent)]
    Authority(#[from] AuthorityError),
}

/// Changes an active key. The caller must hold its permissions, the old ones and the new ones. It counts from the next request.
///
/// # Errors
/// [`ChangeApiKeyError`].
pub async fn change_api_key(
    permit: Permit<ApiKeysWrite>,
    tx: &mut dyn ApiKeyTx,
    id: ApiKeyId,
    patch: ApiKeyPatch,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<ApiKey, ChangeApiKeyError> {
    let (mut key, authority) = lock_active(&permit, tx, id, clock).await?;
    let mut record = about(Record::new(permit.actor().into(), origin, Action::ApiKeyChanged, clock), &key);
    if let Some(name) = patch.name {
        record = record.with("name", name.as_str());
        key.name = name;
    }
    if let Some(permissions) = patch.permissions {
        authority.grant(&permissions).map_err(AuthorityError::from)?;
        record = record.with("permissions", keys(&permissions));
        key.permissions = permissions;
    }
    if let Some(networks) = patch.networks {
        record = record.with("networks", networks.texts());
        key.networks = networks;
    }
    if let Some(expires_at) = patch.expires_at {
        record = record.with("expires_at", expires_at.to_rfc3339());
        key.expires_at = expires_at;
    }
    tx.update_api_key(&key).await?;
    tx.append_audit_record(&record).await?;
    Ok(key)
}

/// Locks an active key of which the caller holds all permissions.
pub(super) async fn lock_active(
    permit: &Permit<ApiKeysWrite>,
    tx: &mut dyn ApiKeyTx,
    id: ApiKeyId,
    clock: &dyn Clock,
) -> Result<(ApiKey, Authority), ChangeApiKeyError> {
    let (key, authority) = lock(permit, tx, id).await?;
    if key.state(clock.now()) == ApiKeyState::Active { Ok((key, authority)) } else { Err(ChangeApiKeyError::Ended) }
}

/// Locks a key of which the caller holds all permissions.
pub(super) async fn lock(
    permit: &Permit<ApiKeysWrite>,
    tx: &mut dyn ApiKeyTx,
    id: ApiKeyId,
) -> Result<(ApiKey, Authority), ChangeApiKeyError> {
    let authority = lock_authority(tx, permit).await?;
    let key = tx.lock_api_key(id).await?.ok_or(ChangeApiKeyError::Unknown)?;
    authority.grant(&key.permissions).map_err(AuthorityError::from)?;
    Ok((key, authority))
}

impl From<StoreError> for ChangeApiKeyError {
    fn from(error: StoreError) -> Self {
        Self::Authority(error.into())
    }
}

#[cfg(test)]
mod tests {
    use kernel::Permission;

    use super::*;
    use crate::fake::{FakeStore, changes, make_api_key, origin, run};

    fn change(store: &mut FakeStore, id: ApiKeyId, patch: ApiKeyPatch) -> Result<ApiKey, ChangeApiKeyError> {
        let (permit, clock) = (store.permit(), store.clock.clone());
        run(change_api_key(permit, store, id, patch, origin(), &*clock))
    }

    fn permissions(of: &[Permission]) -> ApiKeyPatch {
        ApiKeyPatch { permissions: Some(of.iter().copied().collect()), ..ApiKeyPatch::default() }
    }

    #[test]
    fn changed_permissions_are_stored_and_audited() {
        let mut store = FakeStore::with_owner();
        let (key, _) = make_api_key(&mut store, &[Permission::CrmWrite]).unwrap();
        let changed = change(&mut store, key.id, permissions(&[Permission::CrmRead])).unwrap();
        assert_eq!(store.api_keys[0].0, changed);
        assert!(!changed.permissions.contains(Permission::CrmWrite) && changed.name == key.name);
        let record = store.audit_log.pop().unwrap();
        assert_eq!(
            (record.action, changes(&record)),
            (Action::ApiKeyChanged, vec![r#"permissions=["crm:read"]"#.to_owned()])
        );
    }

    #[test]
    fn key_with_more_than_the_caller_is_not_changed() {
        let mut store = FakeStore::with_owner();
        let (key, _) = make_api_key(&mut store, &[Permission::CrmWrite]).unwrap();
        store.memberships.clear();
        let caller = store.caller;
        store.give_permissions(caller, &[Permission::ApiKeysWrite, Permission::CrmRead]);
        for patch in [ApiKeyPatch::default(), permissions(&[Permission::CrmRead])] {
            let refused = change(&mut store, key.id, patch);
            assert!(matches!(refused, Err(ChangeApiKeyError::Authority(AuthorityError::PermissionNotHeld(_)))));
        }
    }

    #[test]
    fn ended_or_unknown_key_is_not_changed() {
        let mut store = FakeStore::with_owner();
        let (key, _) = make_api_key(&mut store, &[Permission::CrmRead]).unwrap();
        store.clock.advance(ApiKey::DEFAULT_LIFETIME);
        assert!(matches!(change(&mut store, key.id, ApiKeyPatch::default()), Err(ChangeApiKeyError::Ended)));
        let unknown = ApiKeyId::new(&*store.clock);
        assert!(matches!(change(&mut store, unknown, ApiKeyPatch::default()), Err(ChangeApiKeyError::Unknown)));
    }
}
