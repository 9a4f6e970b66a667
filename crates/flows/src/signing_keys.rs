use kernel::seal::KeyRing;
use kernel::{Clock, Entropy, StoreError};
use tokens::{KeyError, KeySet, KeyState, SigningKey, SigningKeyRepo, UnusableKey};

use crate::{Database, settle};

#[derive(Debug, thiserror::Error)]
pub enum OpenKeysError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("{0}; is the right key-encryption key configured?")]
    Unusable(#[from] UnusableKey),
}

/// Opens the deployment's signing keys, and makes the first one where there is none. However many instances start at
/// once, one key is made.
///
/// # Errors
/// [`OpenKeysError`]; the server must not start then.
pub async fn open_signing_keys(
    database: &dyn Database,
    ring: &KeyRing,
    entropy: &dyn Entropy,
    clock: &dyn Clock,
) -> Result<KeySet, OpenKeysError> {
    let mut tx = database.operator().await?;
    let outcome = keys_with_an_active_one(&mut *tx, ring, entropy, clock).await;
    let keys = settle(tx, outcome).await?;
    Ok(KeySet::open(&keys, ring)?)
}

async fn keys_with_an_active_one(
    repo: &mut dyn SigningKeyRepo,
    ring: &KeyRing,
    entropy: &dyn Entropy,
    clock: &dyn Clock,
) -> Result<Vec<SigningKey>, OpenKeysError> {
    repo.lock_signing_keys().await?;
    let mut keys = repo.signing_keys().await?;
    if !keys.iter().any(|key| key.state == KeyState::Active) {
        let key = SigningKey::generate(ring, entropy, clock.now())?;
        repo.insert_signing_key(&key).await?;
        keys.push(key);
    }
    Ok(keys)
}
