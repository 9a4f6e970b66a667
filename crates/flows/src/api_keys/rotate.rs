use audit::{Action, Record, RequestOrigin};
use chrono::{DateTime, TimeDelta, Utc};
use kernel::ids::ApiKeyId;
use kernel::{ApiKeysWrite, Clock, Entropy, Permit};
use tokens::ApiKeySecret;

use super::change::lock_active;
use super::{ApiKeyTx, ChangeApiKeyError, about};

/// The next secret of a key.
#[derive(Clone, Debug)]
pub struct RotatedSecret {
    pub secret: ApiKeySecret,
    /// Until when the secret before is accepted, too.
    pub previous_valid_until: DateTime<Utc>,
}

/// Replaces the secret of an active key. The one before stays valid for a time, so that its program can be changed without an
/// outage; one that was replaced before that ends at once. The expiry of the key stays as it is.
///
/// # Errors
/// [`ChangeApiKeyError`].
pub async fn rotate_api_key(
    permit: Permit<ApiKeysWrite>,
    tx: &mut dyn ApiKeyTx,
    id: ApiKeyId,
    overlap: TimeDelta,
    origin: RequestOrigin,
    entropy: &dyn Entropy,
    clock: &dyn Clock,
) -> Result<RotatedSecret, ChangeApiKeyError> {
    let (key, _) = lock_active(&permit, tx, id, clock).await?;
    let secret = ApiKeySecret::generate(permit.scope().tenant(), id, entropy)?;
    let previous_valid_until = clock.now() + overlap;
    tx.replace_api_key_secret(id, &secret.hash(), previous_valid_until).await?;
    let record = about(Record::new(permit.actor().into(), origin, Action::ApiKeyRotated, clock), &key)
        .with("previous_valid_until", previous_valid_until.to_rfc3339());
    tx.append_audit_record(&record).await?;
    Ok(RotatedSecret { secret, previous_valid_until })
}

#[cfg(test)]
mod tests {
    use kernel::{Permission, SystemEntropy};
    use tokens::ApiKey;

    use super::*;
    use crate::AuthorityError;
    use crate::fake::{FakeStore, make_api_key, origin, run};

    fn rotate(store: &mut FakeStore, id: ApiKeyId) -> Result<RotatedSecret, ChangeApiKeyError> {
        let (permit, clock) = (store.permit(), store.clock.clone());
        let overlap = ApiKey::DEFAULT_OVERLAP;
        run(rotate_api_key(permit, store, id, overlap, origin(), &SystemEntropy::new(), &*clock))
    }

    #[test]
    fn rotated_key_has_its_next_secret_and_the_one_before() {
        let mut store = FakeStore::with_owner();
        let (key, first) = make_api_key(&mut store, &[Permission::CrmRead]).unwrap();
        let rotated = rotate(&mut store, key.id).unwrap();
        let (stored, current, previous) = &store.api_keys[0];
        assert!(current.is(&rotated.secret.hash()) && previous.as_ref().unwrap().is(&first.hash()));
        assert_eq!(stored.previous_valid_until, Some(rotated.previous_valid_until));
        assert_eq!(store.audited(), [Action::ApiKeyCreated, Action::ApiKeyRotated]);
    }

    #[test]
    fn key_that_ended_or_may_do_more_is_not_rotated() {
        let mut store = FakeStore::with_owner();
        let (key, _) = make_api_key(&mut store, &[Permission::CrmWrite]).unwrap();
        store.memberships.clear();
        let caller = store.caller;
        store.give_permissions(caller, &[Permission::ApiKeysWrite]);
        let refused = rotate(&mut store, key.id);
        assert!(matches!(refused, Err(ChangeApiKeyError::Authority(AuthorityError::PermissionNotHeld(_)))));
        store.give_permissions(caller, &[Permission::CrmWrite]);
        store.clock.advance(ApiKey::DEFAULT_LIFETIME);
        assert!(matches!(rotate(&mut store, key.id), Err(ChangeApiKeyError::Ended)));
    }
}
