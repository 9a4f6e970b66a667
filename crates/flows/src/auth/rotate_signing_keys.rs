use audit::{Action, Principal, Record, RequestOrigin, target};
use chrono::{DateTime, Utc};
use kernel::seal::KeyRing;
use kernel::{Clock, Entropy, Operator, StoreError};
use tokens::{KeyState, RotationPolicy, RotationStep, SigningKey, SigningKeyFactory};

use super::ports::SigningKeyTx;
use crate::SigningKeysError;

#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    #[error("the signing key does not exist")]
    Unknown,
    #[error("the signing key is already revoked")]
    Revoked,
    #[error(transparent)]
    Failed(#[from] SigningKeysError),
}

impl From<StoreError> for RotateError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

/// The keys after the due rotation steps.
#[derive(Clone, Debug)]
pub struct AdvancedKeys {
    pub keys: Vec<SigningKey>,
    /// The state changes that were made, new keys included.
    pub done: Vec<SigningKeyChange>,
}

/// A state change of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKeyChange {
    pub kid: String,
    pub to: KeyState,
}

/// Performs the rotation steps that are due. Concurrent callers wait for the lock, and then find nothing due.
///
/// # Errors
/// [`SigningKeysError`].
pub async fn advance_signing_keys(
    tx: &mut dyn SigningKeyTx,
    factory: SigningKeyFactory<'_>,
    policy: &RotationPolicy,
    actor: Principal,
    origin: &RequestOrigin,
    entropy: &dyn Entropy,
    clock: &dyn Clock,
) -> Result<AdvancedKeys, SigningKeysError> {
    tx.lock_signing_keys().await?;
    // Read after the lock was acquired.
    let now = clock.now();
    let mut keys = tx.signing_keys().await?;
    let mut done = Vec::new();
    loop {
        let due = policy.due(&keys, now);
        if due.is_empty() {
            return Ok(AdvancedKeys { keys, done });
        }
        for step in due {
            let moved = match step {
                RotationStep::Create(state) => make(tx, factory, state, entropy, now).await?,
                RotationStep::Move { kid, from, to } => {
                    // We hold the lock, so the key is still in that state.
                    tx.change_signing_key(&kid, from, to, now).await?;
                    SigningKeyChange { kid, to }
                }
            };
            note(tx, &moved, actor, origin.clone(), clock).await?;
            done.push(moved);
        }
        keys = tx.signing_keys().await?;
    }
}

/// Starts a rotation: the next key is published now, and signs after the publication period. Does nothing if a rotation is in
/// progress. Returns the upcoming key.
///
/// # Errors
/// [`RotateError`].
pub async fn rotate_signing_keys(
    operator: Operator,
    tx: &mut dyn SigningKeyTx,
    factory: SigningKeyFactory<'_>,
    policy: &RotationPolicy,
    origin: RequestOrigin,
    entropy: &dyn Entropy,
    clock: &dyn Clock,
) -> Result<SigningKey, RotateError> {
    let actor = Principal::from(operator);
    let AdvancedKeys { keys, .. } = advance_signing_keys(tx, factory, policy, actor, &origin, entropy, clock).await?;
    if let Some(upcoming) = keys.into_iter().find(|key| key.state == KeyState::Upcoming) {
        return Ok(upcoming);
    }
    let moved = make(tx, factory, KeyState::Upcoming, entropy, clock.now()).await?;
    note(tx, &moved, actor, origin, clock).await?;
    let keys = tx.signing_keys().await?;
    keys.into_iter().find(|key| key.kid == moved.kid).ok_or(RotateError::Unknown)
}

/// Revokes a key: tokens signed with it are refused from the next request on. If it was the active key, another one becomes
/// active. Returns all state changes, that of the revoked key first.
///
/// # Errors
/// [`RotateError`].
pub async fn revoke_signing_key(
    operator: Operator,
    tx: &mut dyn SigningKeyTx,
    kid: &str,
    factory: SigningKeyFactory<'_>,
    policy: &RotationPolicy,
    entropy: &dyn Entropy,
    clock: &dyn Clock,
) -> Result<Vec<SigningKeyChange>, RotateError> {
    tx.lock_signing_keys().await?;
    let (actor, origin) = (Principal::from(operator), RequestOrigin::default());
    let key = tx.signing_keys().await?.into_iter().find(|key| key.kid == kid).ok_or(RotateError::Unknown)?;
    if key.state == KeyState::Revoked {
        return Err(RotateError::Revoked);
    }
    tx.change_signing_key(kid, key.state, KeyState::Revoked, clock.now()).await?;
    let mut done = vec![SigningKeyChange { kid: key.kid, to: KeyState::Revoked }];
    note(tx, &done[0], actor, origin.clone(), clock).await?;
    let advanced = advance_signing_keys(tx, factory, policy, actor, &origin, entropy, clock).await?;
    done.extend(advanced.done);
    Ok(done)
}

/// Seals all private halves with the first key of the key ring, so that its other keys are no longer needed for them. Returns
/// the number of keys that were resealed.
///
/// # Errors
/// [`RotateError`].
pub async fn reseal_signing_keys(
    operator: Operator,
    tx: &mut dyn SigningKeyTx,
    key_ring: &KeyRing,
    entropy: &dyn Entropy,
    clock: &dyn Clock,
) -> Result<usize, RotateError> {
    tx.lock_signing_keys().await?;
    let mut resealed = 0;
    for key in tx.signing_keys().await? {
        let Some(sealed) = key.reseal_private_key(key_ring, entropy).map_err(SigningKeysError::from)? else { continue };
        tx.reseal_signing_key(&key.kid, &sealed).await?;
        let record = Record::new(operator.into(), RequestOrigin::default(), Action::SigningKeyResealed, clock)
            .about(target::SIGNING_KEY, &key.kid)
            .with("sealed_with", sealed.key_id);
        tx.append_platform_audit_record(&record).await?;
        resealed += 1;
    }
    Ok(resealed)
}

async fn make(
    tx: &mut dyn SigningKeyTx,
    factory: SigningKeyFactory<'_>,
    state: KeyState,
    entropy: &dyn Entropy,
    now: DateTime<Utc>,
) -> Result<SigningKeyChange, SigningKeysError> {
    let key = factory.generate(state, entropy, now)?;
    tx.insert_signing_key(&key).await?;
    Ok(SigningKeyChange { kid: key.kid, to: state })
}

async fn note(
    tx: &mut dyn SigningKeyTx,
    moved: &SigningKeyChange,
    actor: Principal,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<(), StoreError> {
    let record = Record::new(actor, origin, Action::SigningKeyMoved, clock)
        .about(target::SIGNING_KEY, &moved.kid)
        .with("state", moved.to.into_str());
    tx.append_platform_audit_record(&record).await
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use kernel::{Clock as _, SystemEntropy};

    use super::*;
    use crate::fake::{FakeAlgorithm, FakeStore, key_ring, operator, origin, run};

    const POLICY: RotationPolicy = RotationPolicy::DEFAULT;

    fn with_factory<T>(use_factory: impl FnOnce(SigningKeyFactory<'_>) -> T) -> T {
        use_factory(SigningKeyFactory { algorithm: &FakeAlgorithm, key_ring: &key_ring(&["first"]) })
    }

    fn advance(store: &mut FakeStore) -> Vec<KeyState> {
        let (entropy, clock) = (SystemEntropy::new(), store.clock.clone());
        let advanced = with_factory(|factory| {
            run(advance_signing_keys(store, factory, &POLICY, Principal::System, &origin(), &entropy, &*clock))
        });
        advanced.unwrap().done.iter().map(|change| change.to).collect()
    }

    fn rotate(store: &mut FakeStore) -> SigningKey {
        let (entropy, clock) = (SystemEntropy::new(), store.clock.clone());
        let rotated = with_factory(|factory| {
            run(rotate_signing_keys(operator(), store, factory, &POLICY, origin(), &entropy, &*clock))
        });
        rotated.unwrap()
    }

    fn revoke(store: &mut FakeStore, kid: &str) -> Result<Vec<SigningKeyChange>, RotateError> {
        let (entropy, clock) = (SystemEntropy::new(), store.clock.clone());
        with_factory(|factory| run(revoke_signing_key(operator(), store, kid, factory, &POLICY, &entropy, &*clock)))
    }

    #[test]
    fn first_run_creates_the_active_key() {
        let mut store = FakeStore::new();
        assert_eq!(advance(&mut store), [KeyState::Active]);
        assert_eq!(advance(&mut store), []);
        assert_eq!(store.audited_on_platform(), [Action::SigningKeyMoved]);
    }

    #[test]
    fn key_is_replaced_in_all_its_steps() {
        let mut store = FakeStore::new();
        advance(&mut store);
        store.clock.advance(POLICY.active - POLICY.publish);
        assert_eq!(advance(&mut store), [KeyState::Upcoming]);
        store.clock.advance(POLICY.publish);
        assert_eq!(advance(&mut store), [KeyState::Retiring, KeyState::Active]);
        store.clock.advance(POLICY.retiring);
        assert_eq!(advance(&mut store), [KeyState::Retired]);
    }

    #[test]
    fn rotation_in_progress_is_not_started_again() {
        let mut store = FakeStore::new();
        advance(&mut store);
        let upcoming = rotate(&mut store);
        assert_eq!(upcoming.state, KeyState::Upcoming);
        assert_eq!(rotate(&mut store).kid, upcoming.kid);
        assert_eq!(store.signing_keys.len(), 2);
    }

    #[test]
    fn revoked_active_key_is_replaced_at_once() {
        let mut store = FakeStore::new();
        advance(&mut store);
        let kid = store.signing_keys[0].kid.clone();
        let changes = revoke(&mut store, &kid).unwrap();
        assert_eq!(changes[0], SigningKeyChange { kid: kid.clone(), to: KeyState::Revoked });
        assert_eq!(changes[1].to, KeyState::Active);
        assert!(matches!(revoke(&mut store, &kid), Err(RotateError::Revoked)));
        assert!(matches!(revoke(&mut store, "unknown"), Err(RotateError::Unknown)));
        assert_eq!(store.platform_audit_log.len(), 3, "refusals are not recorded");
    }

    #[test]
    fn keys_are_resealed_once_and_audited() {
        let mut store = FakeStore::new();
        advance(&mut store);
        store.platform_audit_log.clear();
        let (entropy, clock) = (SystemEntropy::new(), store.clock.clone());
        for expected in [1, 0] {
            let ring = key_ring(&["second", "first"]);
            let resealed = run(reseal_signing_keys(operator(), &mut store, &ring, &entropy, &*clock));
            assert_eq!(resealed.unwrap(), expected);
        }
        assert_eq!(store.platform_audit_log.pop().unwrap().changes["sealed_with"], "second");
        assert!(store.platform_audit_log.is_empty());
    }

    #[test]
    fn key_due_since_long_is_still_published_first() {
        let mut store = FakeStore::new();
        advance(&mut store);
        store.clock.advance(TimeDelta::days(400));
        assert_eq!(advance(&mut store), [KeyState::Upcoming]);
        assert_eq!(store.clock.now(), store.signing_keys[1].since);
    }
}
