use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use async_lock::Mutex;
use audit::{Principal, RequestOrigin};
use chrono::{DateTime, TimeDelta, Utc};
use kernel::seal::KeyRing;
use kernel::{Clock, Entropy, StoreError};
use tokens::{KeySet, RotationPolicy, SignatureAlgorithm, SigningKey, SigningKeyFactory, SigningKeyRepo};

use super::rotate_signing_keys::{AdvancedKeys, advance_signing_keys};
use super::signing_keys_error::SigningKeysError;
use crate::{Database, settle};

/// This process's cache of the deployment's signing keys. Signing and verifying read the cached set; a reload replaces it.
pub struct SigningKeys {
    algorithm: Arc<dyn SignatureAlgorithm>,
    key_ring: Arc<KeyRing>,
    policy: RotationPolicy,
    current: ArcSwap<KeySet>,
    /// Held during a reload, so that concurrent callers share one.
    last_loads: Mutex<LastLoads>,
}

/// When the keys were last loaded.
#[derive(Debug, Default)]
struct LastLoads {
    last: Option<DateTime<Utc>>,
    /// Because of an unknown key id. Clients choose it freely, so these loads are limited.
    for_unknown_key: Option<DateTime<Utc>>,
}

/// Minimum time between two loads because of an unknown key id. Short: who makes up key ids uses up these loads, and a valid token
/// of a new key is refused meanwhile.
const UNKNOWN_KEY_INTERVAL: TimeDelta = TimeDelta::seconds(1);
/// Age up to which a cached set counts as current.
const MAX_AGE: TimeDelta = TimeDelta::seconds(1);

impl SigningKeys {
    /// Starts with keys that were loaded before.
    #[must_use]
    pub fn new(
        keys: KeySet,
        algorithm: Arc<dyn SignatureAlgorithm>,
        key_ring: Arc<KeyRing>,
        policy: RotationPolicy,
    ) -> Self {
        Self { algorithm, key_ring, policy, current: ArcSwap::from_pointee(keys), last_loads: Mutex::default() }
    }

    /// Loads the deployment's keys, and creates the first one if there is none. If several instances start at once, one key
    /// is created.
    ///
    /// # Errors
    /// [`SigningKeysError`]; the server must not start then.
    pub async fn open(
        database: &dyn Database,
        algorithm: Arc<dyn SignatureAlgorithm>,
        key_ring: Arc<KeyRing>,
        policy: RotationPolicy,
        entropy: &dyn Entropy,
        clock: &dyn Clock,
    ) -> Result<Self, SigningKeysError> {
        let mut tx = database.operator().await?;
        let origin = RequestOrigin::default();
        let factory = SigningKeyFactory { algorithm: &*algorithm, key_ring: &key_ring };
        let outcome =
            advance_signing_keys(&mut *tx, factory, &policy, Principal::System, &origin, entropy, clock).await;
        let AdvancedKeys { keys, .. } = settle(tx, outcome).await?;
        let keys = factory.open(&keys)?;
        Ok(Self::new(keys, algorithm, key_ring, policy))
    }

    /// The cached keys.
    #[must_use]
    pub fn current(&self) -> Arc<KeySet> {
        self.current.load_full()
    }

    /// Reloads the keys and performs the rotation steps that are due. Any number of processes may do so.
    ///
    /// # Errors
    /// [`SigningKeysError`]; the cached keys stay.
    pub async fn keep(
        &self,
        database: &dyn Database,
        entropy: &dyn Entropy,
        clock: &dyn Clock,
    ) -> Result<AdvancedKeys, SigningKeysError> {
        let mut loaded = self.last_loads.lock().await;
        let now = clock.now();
        let mut advanced = AdvancedKeys { keys: read(database).await?, done: Vec::new() };
        // Read without the lock first: usually nothing is due.
        if !self.policy.due(&advanced.keys, now).is_empty() {
            let mut tx = database.operator().await?;
            let (factory, policy, origin) = (self.factory(), &self.policy, RequestOrigin::default());
            let outcome =
                advance_signing_keys(&mut *tx, factory, policy, Principal::System, &origin, entropy, clock).await;
            advanced = settle(tx, outcome).await?;
        }
        self.put(&advanced.keys)?;
        loaded.last = Some(now);
        Ok(advanced)
    }

    /// Reloads the keys unless that was done within the last second. If the load fails, the cached keys stay.
    pub async fn refresh(&self, database: &dyn Database, now: DateTime<Utc>) {
        let mut loaded = self.last_loads.lock().await;
        if has_passed(loaded.last, MAX_AGE, now) {
            // Also if the load fails: those who wait for the lock would fail, too.
            loaded.last = Some(now);
            let _ = self.ask(database).await;
        }
    }

    /// Reloads the keys unconditionally.
    ///
    /// # Errors
    /// [`SigningKeysError`]; the cached keys stay.
    pub(crate) async fn reload(&self, database: &dyn Database, now: DateTime<Utc>) -> Result<(), SigningKeysError> {
        let mut loaded = self.last_loads.lock().await;
        self.ask(database).await?;
        loaded.last = Some(now);
        Ok(())
    }

    /// Reloads the keys because `known` lacks a key, at most every second. Returns the cached keys.
    pub(crate) async fn reload_for_unknown_key(
        &self,
        database: &dyn Database,
        known: &Arc<KeySet>,
        now: DateTime<Utc>,
    ) -> Arc<KeySet> {
        let mut loaded = self.last_loads.lock().await;
        // Another caller may have reloaded them meanwhile.
        if Arc::ptr_eq(known, &self.current()) && has_passed(loaded.for_unknown_key, UNKNOWN_KEY_INTERVAL, now) {
            loaded.for_unknown_key = Some(now);
            let _ = self.ask(database).await;
        }
        self.current()
    }

    /// Creates and opens signing keys.
    #[must_use]
    pub fn factory(&self) -> SigningKeyFactory<'_> {
        SigningKeyFactory { algorithm: &*self.algorithm, key_ring: &self.key_ring }
    }

    /// When keys are published, sign and retire.
    #[must_use]
    pub const fn policy(&self) -> &RotationPolicy {
        &self.policy
    }

    async fn ask(&self, database: &dyn Database) -> Result<(), SigningKeysError> {
        self.put(&read(database).await?)
    }

    fn put(&self, keys: &[SigningKey]) -> Result<(), SigningKeysError> {
        self.current.store(Arc::new(self.factory().open(keys)?));
        Ok(())
    }
}

async fn read(database: &dyn Database) -> Result<Vec<SigningKey>, StoreError> {
    let mut tx = database.operator().await?;
    let keys = SigningKeyRepo::signing_keys(&mut *tx).await;
    settle(tx, keys).await
}

/// True if the clock went back, because the duration is then unknown.
fn has_passed(last: Option<DateTime<Utc>>, duration: TimeDelta, now: DateTime<Utc>) -> bool {
    last.is_none_or(|last| now < last || now - last >= duration)
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKeys").field("current", &self.current()).finish_non_exhaustive()
    }
}
