use audit::{Action, Record, RequestOrigin};
use kernel::ids::{ApiKeyId, UserId};
use kernel::{ApiKeysWrite, Clock, Operator, Permit, Principal, StoreError};
use rbac::Authority;
use tokens::{ApiKey, ApiKeyState};

use super::change::lock;
use super::{ApiKeyTx, ChangeApiKeyError, about};
use crate::AuthorityError;

/// Revokes a key: its next request is refused. A key that has ended stays as it is.
///
/// # Errors
/// [`ChangeApiKeyError`].
pub async fn revoke_api_key(
    permit: Permit<ApiKeysWrite>,
    tx: &mut dyn ApiKeyTx,
    id: ApiKeyId,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<(), ChangeApiKeyError> {
    let (key, _) = lock(&permit, tx, id).await?;
    revoke(tx, key, permit.actor().into(), origin, clock).await?;
    Ok(())
}

/// As [`revoke_api_key`], by an operator. Returns whether the key was active; `None` if the tenant has no such key.
///
/// # Errors
/// [`StoreError`].
pub async fn revoke_api_key_by_operator(
    operator: Operator,
    tx: &mut dyn ApiKeyTx,
    id: ApiKeyId,
    clock: &dyn Clock,
) -> Result<Option<bool>, StoreError> {
    let Some(key) = tx.lock_api_key(id).await? else { return Ok(None) };
    revoke(tx, key, operator.into(), RequestOrigin::default(), clock).await.map(Some)
}

/// Revokes the active keys that a user made, and returns how many. The caller must hold their permissions.
pub(crate) async fn revoke_api_keys_of<Tx: ApiKeyTx + ?Sized>(
    authority: &Authority,
    tx: &mut Tx,
    maker: UserId,
    by: Principal,
    origin: &RequestOrigin,
    clock: &dyn Clock,
) -> Result<usize, AuthorityError> {
    let keys = tx.active_api_keys_of(maker, clock.now()).await?;
    let revoked = keys.len();
    for key in keys {
        authority.grant(&key.permissions)?;
        revoke(tx, key, by, origin.clone(), clock).await?;
    }
    Ok(revoked)
}

async fn revoke<Tx: ApiKeyTx + ?Sized>(
    tx: &mut Tx,
    key: ApiKey,
    by: Principal,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<bool, StoreError> {
    if key.state(clock.now()) != ApiKeyState::Active {
        return Ok(false);
    }
    let record = about(Record::new(by, origin, Action::ApiKeyRevoked, clock), &key).with("name", key.name.as_str());
    tx.update_api_key(&ApiKey { revoked_at: Some(clock.now()), ..key }).await?;
    tx.append_audit_record(&record).await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use kernel::Permission;

    use super::*;
    use crate::fake::{FakeStore, make_api_key, operator, origin, run};

    fn revoke(store: &mut FakeStore, id: ApiKeyId) -> Result<(), ChangeApiKeyError> {
        let (permit, clock) = (store.permit(), store.clock.clone());
        run(revoke_api_key(permit, store, id, origin(), &*clock))
    }

    #[test]
    fn key_is_revoked_and_audited_once() {
        let mut store = FakeStore::with_owner();
        let (key, _) = make_api_key(&mut store, &[Permission::CrmRead]).unwrap();
        for _ in 0..2 {
            revoke(&mut store, key.id).unwrap();
        }
        assert_eq!(store.api_keys[0].0.state(store.clock.now()), ApiKeyState::Revoked);
        assert_eq!(store.audited(), [Action::ApiKeyCreated, Action::ApiKeyRevoked]);
    }

    #[test]
    fn key_that_may_do_more_than_the_caller_is_not_revoked() {
        let mut store = FakeStore::with_owner();
        let (key, _) = make_api_key(&mut store, &[Permission::CrmRead]).unwrap();
        store.memberships.clear();
        let caller = store.caller;
        store.give_permissions(caller, &[Permission::ApiKeysWrite]);
        let refused = revoke(&mut store, key.id);
        assert!(matches!(refused, Err(ChangeApiKeyError::Authority(AuthorityError::PermissionNotHeld(_)))));
        assert_eq!(store.api_keys[0].0.revoked_at, None);
    }

    #[test]
    fn operator_revokes_a_key_in_the_tenants_log() {
        let mut store = FakeStore::with_owner();
        let (key, _) = make_api_key(&mut store, &[Permission::CrmRead]).unwrap();
        let clock = store.clock.clone();
        let mut by_operator = |id| run(revoke_api_key_by_operator(operator(), &mut store, id, &*clock)).unwrap();
        assert_eq!(by_operator(key.id), Some(true));
        assert_eq!(by_operator(key.id), Some(false));
        assert_eq!(by_operator(ApiKeyId::new(&*clock)), None);
        let record = store.audit_log.pop().unwrap();
        assert_eq!((record.action, record.actor), (Action::ApiKeyRevoked, Principal::CommandLine));
    }
}
