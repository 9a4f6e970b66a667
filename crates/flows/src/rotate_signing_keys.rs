use audit::{Action, Actor, Origin, Record, target};
use chrono::{DateTime, Utc};
use kernel::seal::KeyRing;
use kernel::{Clock, Entropy, Operator, StoreError};
use tokens::{Due, KeyState, RotationPolicy, SigningKey};

use crate::{OperatorTx, SigningKeysError};

#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    #[error("there is no signing key with that id")]
    Unknown,
    #[error("the signing key is revoked already")]
    Revoked,
    #[error(transparent)]
    Failed(#[from] SigningKeysError),
}

impl From<StoreError> for RotateError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

/// The keys after what was due was done.
#[derive(Clone, Debug)]
pub struct Advanced {
    pub keys: Vec<SigningKey>,
    /// Keys that are in another state than before, or new.
    pub done: Vec<Moved>,
}

/// A key that came into a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    pub kid: String,
    pub to: KeyState,
}

/// Does what is due with the deployment's keys. Whoever else wants to do it at the same time waits, and finds it done.
///
/// # Errors
/// [`SigningKeysError`].
pub async fn advance_signing_keys(
    tx: &mut dyn OperatorTx,
    ring: &KeyRing,
    policy: &RotationPolicy,
    actor: Actor,
    origin: &Origin,
    entropy: &dyn Entropy,
    clock: &dyn Clock,
) -> Result<Advanced, SigningKeysError> {
    tx.lock_signing_keys().await?;
    // Of now that nobody else changes anything.
    let now = clock.now();
    let mut keys = tx.signing_keys().await?;
    let mut done = Vec::new();
    loop {
        let due = policy.due(&keys, now);
        if due.is_empty() {
            return Ok(Advanced { keys, done });
        }
        for step in due {
            let moved = match step {
                Due::New(state) => make(tx, ring, state, entropy, now).await?,
                Due::Change { kid, from, to } => {
                    // Nobody else holds the lock, so it was in that state.
                    tx.change_signing_key(&kid, from, to, now).await?;
                    Moved { kid, to }
                }
            };
            note(tx, &moved, actor, origin.clone(), clock).await?;
            done.push(moved);
        }
        keys = tx.signing_keys().await?;
    }
}

/// Begins to replace the active key: the next one is published now and signs when it has been for long enough. Nothing changes
/// if that was begun already. The key that will sign.
///
/// # Errors
/// [`RotateError`].
pub async fn rotate_signing_keys(
    operator: Operator,
    tx: &mut dyn OperatorTx,
    ring: &KeyRing,
    policy: &RotationPolicy,
    origin: Origin,
    entropy: &dyn Entropy,
    clock: &dyn Clock,
) -> Result<SigningKey, RotateError> {
    let actor = Actor::from(operator);
    let Advanced { keys, .. } = advance_signing_keys(tx, ring, policy, actor, &origin, entropy, clock).await?;
    if let Some(upcoming) = keys.into_iter().find(|key| key.state == KeyState::Upcoming) {
        return Ok(upcoming);
    }
    let moved = make(tx, ring, KeyState::Upcoming, entropy, clock.now()).await?;
    note(tx, &moved, actor, origin, clock).await?;
    let keys = tx.signing_keys().await?;
    keys.into_iter().find(|key| key.kid == moved.kid).ok_or(RotateError::Unknown)
}

/// Ends the trust in a key at once: nothing that it signed is accepted from the next request on. If it was the active one,
/// another one signs in its place. What was done; the key itself is the first.
///
/// # Errors
/// [`RotateError`].
pub async fn revoke_signing_key(
    operator: Operator,
    tx: &mut dyn OperatorTx,
    kid: &str,
    ring: &KeyRing,
    policy: &RotationPolicy,
    entropy: &dyn Entropy,
    clock: &dyn Clock,
) -> Result<Vec<Moved>, RotateError> {
    tx.lock_signing_keys().await?;
    let (actor, origin) = (Actor::from(operator), Origin::default());
    let key = tx.signing_keys().await?.into_iter().find(|key| key.kid == kid).ok_or(RotateError::Unknown)?;
    if key.state == KeyState::Revoked {
        return Err(RotateError::Revoked);
    }
    tx.change_signing_key(kid, key.state, KeyState::Revoked, clock.now()).await?;
    let mut done = vec![Moved { kid: key.kid, to: KeyState::Revoked }];
    note(tx, &done[0], actor, origin.clone(), clock).await?;
    let advanced = advance_signing_keys(tx, ring, policy, actor, &origin, entropy, clock).await?;
    done.extend(advanced.done);
    Ok(done)
}

/// Seals the private halves with the first key of the ring, so that the others are not needed for them any more; how many were
/// sealed with another one.
///
/// # Errors
/// [`RotateError`].
pub async fn reseal_signing_keys(
    operator: Operator,
    tx: &mut dyn OperatorTx,
    ring: &KeyRing,
    entropy: &dyn Entropy,
    clock: &dyn Clock,
) -> Result<usize, RotateError> {
    tx.lock_signing_keys().await?;
    let mut resealed = 0;
    for key in tx.signing_keys().await? {
        let Some(sealed) = key.sealed_anew(ring, entropy).map_err(SigningKeysError::from)? else { continue };
        tx.reseal_signing_key(&key.kid, &sealed).await?;
        let record = Record::new(operator.into(), Origin::default(), Action::SigningKeyResealed, clock)
            .about(target::SIGNING_KEY, &key.kid)
            .with("sealed_with", sealed.key_id);
        tx.append_platform_audit_record(&record).await?;
        resealed += 1;
    }
    Ok(resealed)
}

async fn make(
    tx: &mut dyn OperatorTx,
    ring: &KeyRing,
    state: KeyState,
    entropy: &dyn Entropy,
    now: DateTime<Utc>,
) -> Result<Moved, SigningKeysError> {
    let key = SigningKey::generate(state, ring, entropy, now)?;
    tx.insert_signing_key(&key).await?;
    Ok(Moved { kid: key.kid, to: state })
}

async fn note(
    tx: &mut dyn OperatorTx,
    moved: &Moved,
    actor: Actor,
    origin: Origin,
    clock: &dyn Clock,
) -> Result<(), StoreError> {
    let record = Record::new(actor, origin, Action::SigningKeyMoved, clock)
        .about(target::SIGNING_KEY, &moved.kid)
        .with("state", moved.to.key());
    tx.append_platform_audit_record(&record).await
}
