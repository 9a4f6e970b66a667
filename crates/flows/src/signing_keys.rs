use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use audit::{Actor, Origin};
use chrono::{DateTime, TimeDelta, Utc};
use kernel::seal::KeyRing;
use kernel::{Clock, Entropy, StoreError};
use tokens::{KeyError, KeySet, RotationPolicy, SigningKey, SigningKeyRepo, UnusableKey};
use tokio::sync::Mutex;

use crate::rotate_signing_keys::{Advanced, advance_signing_keys};
use crate::{Database, settle};

#[derive(Debug, thiserror::Error)]
pub enum SigningKeysError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("{0}; is the right key-encryption key configured?")]
    Unusable(#[from] UnusableKey),
}

/// The deployment's signing keys as this process knows them: what the database said when it was last asked. Signing and
/// checking read what is in memory; whoever asks the database puts a new set in its place.
pub struct SigningKeys {
    ring: Arc<KeyRing>,
    policy: RotationPolicy,
    current: RwLock<Arc<KeySet>>,
    /// Held while the database is asked: whoever wants to know the same waits for the answer.
    asked: Mutex<Asked>,
}

/// When the database was last asked.
#[derive(Debug, Default)]
struct Asked {
    at_all: Option<DateTime<Utc>>,
    /// Because of a key that nobody knew: anybody can make one up.
    for_unknown: Option<DateTime<Utc>>,
}

/// A key that nobody knows is looked for this often, whoever shows it.
const LOOK_EVERY: TimeDelta = TimeDelta::seconds(10);
/// What somebody needs to be current is at most this old.
const CURRENT: TimeDelta = TimeDelta::seconds(1);

impl SigningKeys {
    /// Keys as they were read.
    #[must_use]
    pub fn new(keys: KeySet, ring: Arc<KeyRing>, policy: RotationPolicy) -> Self {
        Self { ring, policy, current: RwLock::new(Arc::new(keys)), asked: Mutex::default() }
    }

    /// Opens the deployment's keys, and makes the first one where there is none. However many instances start at once, one
    /// key is made.
    ///
    /// # Errors
    /// [`SigningKeysError`]; the server must not start then.
    pub async fn open(
        database: &dyn Database,
        ring: Arc<KeyRing>,
        policy: RotationPolicy,
        entropy: &dyn Entropy,
        clock: &dyn Clock,
    ) -> Result<Self, SigningKeysError> {
        let mut tx = database.operator().await?;
        let origin = Origin::default();
        let outcome = advance_signing_keys(&mut *tx, &ring, &policy, Actor::System, &origin, entropy, clock).await;
        let Advanced { keys, .. } = settle(tx, outcome).await?;
        Ok(Self::new(KeySet::open(&keys, &ring)?, ring, policy))
    }

    /// What is known at this moment.
    #[must_use]
    pub fn current(&self) -> Arc<KeySet> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Asks the database and does what is due; what was done, and the keys as they are. Any number of processes may do it.
    ///
    /// # Errors
    /// [`SigningKeysError`]: what is known stays as it is.
    pub async fn keep(
        &self,
        database: &dyn Database,
        entropy: &dyn Entropy,
        clock: &dyn Clock,
    ) -> Result<Advanced, SigningKeysError> {
        let mut asked = self.asked.lock().await;
        let now = clock.now();
        let mut advanced = Advanced { keys: read(database).await?, done: Vec::new() };
        // Without a lock at first: most of the time nothing is due.
        if !self.policy.due(&advanced.keys, now).is_empty() {
            let mut tx = database.operator().await?;
            let (ring, policy, origin) = (&self.ring, &self.policy, Origin::default());
            let outcome = advance_signing_keys(&mut *tx, ring, policy, Actor::System, &origin, entropy, clock).await;
            advanced = settle(tx, outcome).await?;
        }
        self.put(&advanced.keys)?;
        asked.at_all = Some(now);
        Ok(advanced)
    }

    /// Asks the database, unless that was done a moment ago, for somebody who needs what is true now. Where it cannot be
    /// asked, what is known goes on.
    pub async fn refresh(&self, database: &dyn Database, now: DateTime<Utc>) {
        let mut asked = self.asked.lock().await;
        if has_passed(asked.at_all, CURRENT, now) {
            // Whoever waits for the lock would ask in vain, too.
            asked.at_all = Some(now);
            let _ = self.ask(database).await;
        }
    }

    /// Asks the database whatever is known already.
    ///
    /// # Errors
    /// [`SigningKeysError`]: what is known stays as it is.
    pub(crate) async fn read_anew(&self, database: &dyn Database, now: DateTime<Utc>) -> Result<(), SigningKeysError> {
        let mut asked = self.asked.lock().await;
        self.ask(database).await?;
        asked.at_all = Some(now);
        Ok(())
    }

    /// Asks the database because `known` does not have a key, unless somebody did so within ten seconds; what is known then.
    pub(crate) async fn look_again(
        &self,
        database: &dyn Database,
        known: &Arc<KeySet>,
        now: DateTime<Utc>,
    ) -> Arc<KeySet> {
        let mut asked = self.asked.lock().await;
        // While we waited, somebody else may have looked.
        if Arc::ptr_eq(known, &self.current()) && has_passed(asked.for_unknown, LOOK_EVERY, now) {
            asked.for_unknown = Some(now);
            let _ = self.ask(database).await;
        }
        self.current()
    }

    /// What private halves are sealed with.
    #[must_use]
    pub fn ring(&self) -> &KeyRing {
        &self.ring
    }

    /// How keys take turns.
    #[must_use]
    pub const fn policy(&self) -> &RotationPolicy {
        &self.policy
    }

    async fn ask(&self, database: &dyn Database) -> Result<(), SigningKeysError> {
        self.put(&read(database).await?)
    }

    fn put(&self, keys: &[SigningKey]) -> Result<(), SigningKeysError> {
        let keys = Arc::new(KeySet::open(keys, &self.ring)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }
}

async fn read(database: &dyn Database) -> Result<Vec<SigningKey>, StoreError> {
    let mut tx = database.operator().await?;
    let keys = SigningKeyRepo::signing_keys(&mut *tx).await;
    settle(tx, keys).await
}

/// A clock that went back tells nothing.
fn has_passed(last: Option<DateTime<Utc>>, duration: TimeDelta, now: DateTime<Utc>) -> bool {
    last.is_none_or(|last| now < last || now - last >= duration)
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKeys").field("current", &self.current()).finish_non_exhaustive()
    }
}
