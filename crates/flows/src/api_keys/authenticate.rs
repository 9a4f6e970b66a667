use std::net::IpAddr;

use chrono::{DateTime, Utc};
use iam::{Tenant, TenantStatus};
use kernel::{StoreError, TenantScope};
use tokens::{ApiKey, ApiKeyHash, ApiKeyRefusal, ApiKeyState, ShownApiKey};

use crate::{Database, StoredApiKey};

/// An authenticated program: its key and its tenant, as they are now.
#[derive(Clone, Debug)]
pub struct KeyAccess {
    pub key: ApiKey,
    pub tenant: Tenant,
}

/// Authenticates a request by a key that has the form of one. The key names its tenant and itself; all else is read now, in one
/// round trip, so that a change takes effect with the next request of each process. A use is recorded about once a minute.
///
/// # Errors
/// [`StoreError`].
pub async fn authenticate_api_key(
    database: &dyn Database,
    shown: &ShownApiKey,
    address: Option<IpAddr>,
    now: DateTime<Utc>,
) -> Result<Result<KeyAccess, ApiKeyRefusal>, StoreError> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the key names its tenant; nothing of it is told before the secret is checked"
    )]
    let scope = TenantScope::mint(shown.tenant);
    let stored = database.api_key_access(&scope, shown.key).await?;
    let access = match judge(stored, &shown.hash, address, now) {
        Ok(access) => access,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if access.key.is_use_to_be_recorded(now) {
        database.record_api_key_use(&scope, access.key.id, now).await?;
    }
    Ok(Ok(access))
}

fn judge(
    stored: Option<StoredApiKey>,
    shown: &ApiKeyHash,
    address: Option<IpAddr>,
    now: DateTime<Utc>,
) -> Result<KeyAccess, ApiKeyRefusal> {
    let StoredApiKey { key, tenant, current, previous } = stored.ok_or(ApiKeyRefusal::Unknown)?;
    let previous = previous.filter(|_| key.previous_valid_until.is_some_and(|until| now < until));
    // Both are compared always, so that the time does not tell which of them is set.
    let is_current = current.is(shown);
    let is_previous = previous.unwrap_or(ApiKeyHash::from_stored([0; 32])).is(shown);
    if !(is_current | is_previous) {
        return Err(ApiKeyRefusal::WrongSecret);
    }
    match key.state(now) {
        ApiKeyState::Active => {}
        ApiKeyState::Revoked => return Err(ApiKeyRefusal::Revoked),
        ApiKeyState::Expired => return Err(ApiKeyRefusal::Expired),
    }
    if tenant.status != TenantStatus::Active {
        return Err(ApiKeyRefusal::TenantSuspended);
    }
    if !key.networks.allow(address) {
        return Err(ApiKeyRefusal::OutsideNetworks);
    }
    Ok(KeyAccess { key, tenant })
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use kernel::Permission;
    use tokens::{ApiKeySecret, Networks};

    use super::*;
    use crate::fake::{FakeStore, at, make_api_key};

    fn stored() -> (StoredApiKey, ApiKeySecret) {
        let mut store = FakeStore::with_owner();
        let (key, secret) = make_api_key(&mut store, &[Permission::CrmRead]).unwrap();
        let stored = StoredApiKey { key, tenant: store.tenant.unwrap(), current: secret.hash(), previous: None };
        (stored, secret)
    }

    fn outcome(stored: StoredApiKey, shown: &ApiKeyHash, now: DateTime<Utc>) -> Result<(), ApiKeyRefusal> {
        judge(Some(stored), shown, Some("192.0.2.1".parse().unwrap()), now).map(drop)
    }

    #[test]
    fn active_key_is_accepted_until_it_ends() {
        let (stored, secret) = stored();
        let (shown, end) = (secret.hash(), stored.key.expires_at);
        assert_eq!(outcome(stored.clone(), &shown, end - TimeDelta::microseconds(1)), Ok(()));
        assert_eq!(outcome(stored.clone(), &shown, end), Err(ApiKeyRefusal::Expired));
        let mut revoked = stored;
        revoked.key.revoked_at = Some(at(0));
        assert_eq!(outcome(revoked, &shown, at(0)), Err(ApiKeyRefusal::Revoked));
        assert_eq!(judge(None, &shown, None, at(0)).map(drop), Err(ApiKeyRefusal::Unknown));
    }

    #[test]
    fn secret_before_a_rotation_is_accepted_for_its_time() {
        let (mut stored, secret) = stored();
        let (_, next) = self::stored();
        stored.previous = Some(std::mem::replace(&mut stored.current, next.hash()));
        stored.key.previous_valid_until = Some(at(60));
        assert_eq!(outcome(stored.clone(), &next.hash(), at(60)), Ok(()));
        assert_eq!(outcome(stored.clone(), &secret.hash(), at(59)), Ok(()));
        assert_eq!(outcome(stored.clone(), &secret.hash(), at(60)), Err(ApiKeyRefusal::WrongSecret));
        assert_eq!(outcome(stored, &self::stored().1.hash(), at(0)), Err(ApiKeyRefusal::WrongSecret));
    }

    #[test]
    fn key_is_refused_outside_its_networks() {
        let (mut stored, secret) = stored();
        for (network, expected) in [("192.0.2.0/24", Ok(())), ("198.51.100.0/24", Err(ApiKeyRefusal::OutsideNetworks))]
        {
            stored.key.networks = Networks::new(vec![Networks::parse_one(network).unwrap()]).unwrap();
            assert_eq!(outcome(stored.clone(), &secret.hash(), at(0)), expected);
        }
    }

    #[test]
    fn key_of_a_suspended_tenant_is_refused() {
        let (mut stored, secret) = stored();
        stored.tenant.status = TenantStatus::Suspended;
        assert_eq!(outcome(stored, &secret.hash(), at(0)), Err(ApiKeyRefusal::TenantSuspended));
    }
}
