use std::fmt;
use std::sync::Arc;

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _, phc};
use argon2::{Algorithm, Argon2, Params, Version};
use kernel::{Entropy, NoEntropy};
use tokio::sync::Semaphore;

use crate::Password;

/// A password hash as a PHC string: algorithm, parameters, salt and hash in one.
#[derive(Clone)]
pub struct PasswordHash(String);

impl PasswordHash {
    #[must_use]
    pub const fn from_stored(phc: String) -> Self {
        Self(phc)
    }

    #[must_use]
    pub fn as_phc(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(***)")
    }
}

#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// As many hashes as may wait are waiting; try again in a moment.
    #[error("too many passwords are being checked")]
    Busy,
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
    #[error("the password could not be hashed")]
    Failed,
}

/// Hashes and verifies with argon2id: 19 MiB, 2 passes, 1 lane (OWASP's first choice), about 33 ms of one core.
///
/// The work runs on blocking threads, as many at a time as there are cores; a bounded number waits, and the rest is
/// refused, so that a login storm neither slows other requests nor fills the memory.
#[derive(Clone, Debug)]
pub struct PasswordHasher {
    running: Arc<Semaphore>,
    admitted: Arc<Semaphore>,
    dummy: PasswordHash,
}

impl PasswordHasher {
    const MEMORY_KIB: u32 = 19_456;
    const PASSES: u32 = 2;
    const LANES: u32 = 1;
    /// At about 33 ms each, a queue of this many per core is at most two seconds long.
    const WAITING_PER_CORE: usize = 64;
    const SALT_BYTES: usize = 16;

    /// # Errors
    /// [`HashError`] when not even the dummy hash can be made.
    pub fn new(entropy: &dyn Entropy) -> Result<Self, HashError> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let mut nobodys_password = [0; 32];
        entropy.fill(&mut nobodys_password)?;
        Ok(Self {
            running: Arc::new(Semaphore::new(cores)),
            admitted: Arc::new(Semaphore::new(cores * (1 + Self::WAITING_PER_CORE))),
            dummy: hash(&nobodys_password, &salt(entropy)?)?,
        })
    }

    /// # Errors
    /// [`HashError`]; [`HashError::Busy`] when the queue is full.
    pub async fn hash(&self, password: Password, entropy: &dyn Entropy) -> Result<PasswordHash, HashError> {
        let salt = salt(entropy)?;
        self.run(move || hash(password.expose().as_bytes(), &salt)).await?
    }

    /// Whether the password is the one that was hashed.
    ///
    /// # Errors
    /// [`HashError`]; [`HashError::Busy`] when the queue is full.
    pub async fn verify(&self, password: Password, hash: PasswordHash) -> Result<bool, HashError> {
        self.run(move || {
            let hash = phc::PasswordHash::new(hash.as_phc()).map_err(|_| HashError::Failed)?;
            Ok(Argon2::default().verify_password(password.expose().as_bytes(), &hash).is_ok())
        })
        .await?
    }

    /// The work of [`Self::verify`] for a user who does not exist: otherwise the time of the answer would tell.
    ///
    /// # Errors
    /// [`HashError`]; [`HashError::Busy`] when the queue is full.
    pub async fn verify_nothing(&self, password: Password) -> Result<(), HashError> {
        self.verify(password, self.dummy.clone()).await.map(|_| ())
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, HashError> {
        let admitted = Arc::clone(&self.admitted).try_acquire_owned().map_err(|_| HashError::Busy)?;
        let running = Arc::clone(&self.running).acquire_owned().await.map_err(|_| HashError::Failed)?;
        // The permits go along: a caller who hangs up does not free the core that still works for them.
        tokio::task::spawn_blocking(move || {
            let _permits = (admitted, running);
            work()
        })
        .await
        .map_err(|_| HashError::Failed)
    }
}

fn salt(entropy: &dyn Entropy) -> Result<[u8; PasswordHasher::SALT_BYTES], NoEntropy> {
    let mut salt = [0; PasswordHasher::SALT_BYTES];
    entropy.fill(&mut salt)?;
    Ok(salt)
}

fn hash(password: &[u8], salt: &[u8]) -> Result<PasswordHash, HashError> {
    let params = Params::new(PasswordHasher::MEMORY_KIB, PasswordHasher::PASSES, PasswordHasher::LANES, None)
        .map_err(|_| HashError::Failed)?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_with_salt(password, salt)
        .map(|hash| PasswordHash(hash.to_string()))
        .map_err(|_| HashError::Failed)
}

#[cfg(test)]
mod tests {
    use kernel::SystemEntropy;

    use super::*;

    fn password(text: &str) -> Password {
        Password::attempt(text).unwrap()
    }

    #[tokio::test]
    async fn verifies_what_it_hashed_and_nothing_else() {
        let entropy = SystemEntropy::new();
        let hasher = PasswordHasher::new(&entropy).unwrap();
        let hash = hasher.hash(password("correct horse"), &entropy).await.unwrap();
        assert!(hash.as_phc().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(hasher.verify(password("correct horse"), hash.clone()).await.unwrap());
        assert!(!hasher.verify(password("battery staple"), hash).await.unwrap());
    }

    #[tokio::test]
    async fn refuses_when_the_queue_is_full() {
        let entropy = SystemEntropy::new();
        let hasher = PasswordHasher::new(&entropy).unwrap();
        let all = u32::try_from(hasher.admitted.available_permits()).unwrap();
        let _taken = hasher.admitted.acquire_many(all).await.unwrap();
        assert!(matches!(hasher.verify_nothing(password("anything")).await, Err(HashError::Busy)));
    }
}
