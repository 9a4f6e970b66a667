use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use kernel::{Entropy, NoEntropy};
use metrics::{gauge, histogram};
use rayon_core::{ThreadPool, ThreadPoolBuilder};
use rustix::process::nice;
use tokio::sync::{Semaphore, oneshot};

use crate::metrics::{PASSWORD_HASH, PASSWORD_HASH_QUEUE};
use crate::password_hash::Memory;
use crate::{HashParameters, Password, PasswordHash};

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

/// What became of a password that was tried.
#[derive(Debug)]
pub enum Verification {
    Wrong,
    Right {
        /// The same password under the parameters of today, where the stored hash has others.
        renewed: Option<PasswordHash>,
    },
}

/// Hashes and verifies with argon2id.
///
/// The work runs on threads of its own, as many as there are cores, which go from one password to the next by themselves and
/// give way to those that serve requests. A bounded number waits, and the rest is refused, so that a login storm neither slows
/// other requests nor fills the memory.
#[derive(Clone)]
pub struct PasswordHasher {
    parameters: HashParameters,
    threads: Arc<ThreadPool>,
    admitted: Arc<Semaphore>,
    memory: Memory,
    dummy: PasswordHash,
}

impl PasswordHasher {
    /// At 20 to 33 ms each, a queue of this many per core is at most two seconds long, where nobody else wants the core.
    const WAITING_PER_CORE: usize = 64;
    const SALT_BYTES: usize = 16;
    /// Of the thread, as Linux has it. Beside somebody who wants all of a core as well, a hash gets a quarter of it.
    const NICENESS: i32 = 5;

    /// # Errors
    /// [`HashError`] when not even the dummy hash can be made, as with parameters that argon2 does not have, or where there are
    /// no more threads.
    pub fn new(parameters: HashParameters, entropy: &dyn Entropy) -> Result<Self, HashError> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let mut nobodys_password = [0; 32];
        entropy.fill(&mut nobodys_password)?;
        let memory = Memory::default();
        let threads = ThreadPoolBuilder::new()
            .num_threads(cores)
            .thread_name(|n| format!("hash-{n}"))
            // If it cannot be, others wait a little longer.
            .start_handler(|_| {
                let _ = nice(Self::NICENESS);
            })
            // Whoever waits for the password is told that it failed.
            .panic_handler(|_| {})
            .build()
            .map_err(|_| HashError::Failed)?;
        Ok(Self {
            parameters,
            threads: Arc::new(threads),
            admitted: Arc::new(Semaphore::new(cores * (1 + Self::WAITING_PER_CORE))),
            dummy: memory.hash(parameters, &nobodys_password, &salt(entropy)?)?,
            memory,
        })
    }

    /// # Errors
    /// [`HashError`]; [`HashError::Busy`] when the queue is full.
    pub async fn hash(&self, password: Password, entropy: &dyn Entropy) -> Result<PasswordHash, HashError> {
        let (parameters, memory, salt) = (self.parameters, self.memory.clone(), salt(entropy)?);
        self.run(move || memory.hash(parameters, password.expose().as_bytes(), &salt)).await?
    }

    /// Whether the password is the one that was hashed. `renew` asks for a new hash where it is and the parameters have
    /// changed, which is as much work again.
    ///
    /// # Errors
    /// [`HashError`]; [`HashError::Busy`] when the queue is full.
    pub async fn verify(
        &self,
        password: Password,
        stored: PasswordHash,
        renew: bool,
        entropy: &dyn Entropy,
    ) -> Result<Verification, HashError> {
        let (parameters, memory, salt) = (self.parameters, self.memory.clone(), salt(entropy)?);
        self.run(move || {
            let (password, stored) = (password.expose().as_bytes(), stored.parse()?);
            if !memory.verify(password, &stored)? {
                return Ok(Verification::Wrong);
            }
            let outdated = renew && !parameters.made(&stored);
            Ok(Verification::Right { renewed: outdated.then(|| memory.hash(parameters, password, &salt)).transpose()? })
        })
        .await?
    }

    /// The work of [`Self::verify`] for a user who does not exist: otherwise the time of the answer would tell.
    ///
    /// # Errors
    /// [`HashError`]; [`HashError::Busy`] when the queue is full.
    pub async fn verify_nothing(&self, password: Password, entropy: &dyn Entropy) -> Result<(), HashError> {
        self.verify(password, self.dummy.clone(), false, entropy).await.map(|_| ())
    }

    /// Tells metrics that the queue is still what it was: what nobody tells any more is not exported.
    pub fn measure(&self) {
        gauge!(PASSWORD_HASH_QUEUE).increment(0);
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, HashError> {
        let admitted = Arc::clone(&self.admitted).try_acquire_owned().map_err(|_| HashError::Busy)?;
        let waiting = Waiting::begin();
        let (done, result) = oneshot::channel();
        self.threads.spawn_fifo(move || {
            drop(waiting);
            // The place goes along: a caller who hangs up does not free the core that still works for them. Nobody works for
            // one who hung up before.
            let _place = admitted;
            if done.is_closed() {
                return;
            }
            let started = Instant::now();
            let result = work();
            histogram!(PASSWORD_HASH).record(started.elapsed());
            // Nobody may wait any more.
            let _ = done.send(result);
        });
        result.await.map_err(|_| HashError::Failed)
    }
}

impl fmt::Debug for PasswordHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordHasher").field("parameters", &self.parameters).finish_non_exhaustive()
    }
}

/// Somebody in the queue, until dropped.
struct Waiting;

impl Waiting {
    fn begin() -> Self {
        gauge!(PASSWORD_HASH_QUEUE).increment(1);
        Self
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        gauge!(PASSWORD_HASH_QUEUE).decrement(1);
    }
}

fn salt(entropy: &dyn Entropy) -> Result<[u8; PasswordHasher::SALT_BYTES], NoEntropy> {
    let mut salt = [0; PasswordHasher::SALT_BYTES];
    entropy.fill(&mut salt)?;
    Ok(salt)
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::Poll;

    use kernel::SystemEntropy;
    use rustix::process::getpriority_process;

    use super::*;

    const ENTROPY: fn() -> SystemEntropy = SystemEntropy::new;

    fn password(text: &str) -> Password {
        Password::attempt(text).unwrap()
    }

    fn hasher(memory_kib: u32) -> PasswordHasher {
        PasswordHasher::new(HashParameters { memory_kib, ..HashParameters::default() }, &ENTROPY()).unwrap()
    }

    #[tokio::test]
    async fn verifies_what_it_hashed_and_nothing_else() {
        let hasher = PasswordHasher::new(HashParameters::default(), &ENTROPY()).unwrap();
        let hash = hasher.hash(password("correct horse"), &ENTROPY()).await.unwrap();
        assert!(hash.as_phc().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        let verify = async |text| hasher.verify(password(text), hash.clone(), true, &ENTROPY()).await.unwrap();
        assert!(matches!(verify("correct horse").await, Verification::Right { renewed: None }));
        assert!(matches!(verify("battery staple").await, Verification::Wrong));
    }

    #[tokio::test]
    async fn renews_a_hash_that_was_made_with_other_parameters() {
        let hash = hasher(8_192).hash(password("correct horse"), &ENTROPY()).await.unwrap();
        let today = hasher(9_216);
        let verify = async |text, renew| today.verify(password(text), hash.clone(), renew, &ENTROPY()).await.unwrap();
        assert!(matches!(verify("battery staple", true).await, Verification::Wrong));
        assert!(matches!(verify("correct horse", false).await, Verification::Right { renewed: None }));
        let Verification::Right { renewed: Some(renewed) } = verify("correct horse", true).await else {
            panic!("it is not renewed");
        };
        assert!(renewed.as_phc().starts_with("$argon2id$v=19$m=9216,t=2,p=1$"));
        let again = today.verify(password("correct horse"), renewed, true, &ENTROPY()).await.unwrap();
        assert!(matches!(again, Verification::Right { renewed: None }));
    }

    #[tokio::test]
    async fn a_hash_gives_way_to_others() {
        let here = || getpriority_process(None).unwrap();
        let there = hasher(8_192).run(here).await.unwrap();
        assert_eq!(there, (here() + PasswordHasher::NICENESS).min(19));
    }

    #[tokio::test]
    async fn refuses_when_the_queue_is_full() {
        let hasher = hasher(8_192);
        let all = u32::try_from(hasher.admitted.available_permits()).unwrap();
        let _taken = hasher.admitted.acquire_many(all).await.unwrap();
        assert!(matches!(hasher.verify_nothing(password("anything"), &ENTROPY()).await, Err(HashError::Busy)));
    }

    #[tokio::test]
    async fn a_hash_that_crashes_is_told_and_gives_its_place_back() {
        let hasher = hasher(8_192);
        let all = hasher.admitted.available_permits();
        let crashed = hasher.run(|| -> () { panic!("a test makes it crash") }).await;
        assert!(matches!(crashed, Err(HashError::Failed)));
        let _all = hasher.admitted.acquire_many(u32::try_from(all).unwrap()).await.unwrap();
    }

    #[tokio::test]
    async fn nobody_works_for_one_who_hung_up() {
        let hasher = hasher(8_192);
        let threads = hasher.threads.current_num_threads();
        let (busy, gate) = (Arc::new(Barrier::new(threads + 1)), Arc::new(Barrier::new(threads + 1)));
        let held = (0..threads).map(|_| {
            let (hasher, busy, gate) = (hasher.clone(), Arc::clone(&busy), Arc::clone(&gate));
            tokio::spawn(async move { hasher.run(move || (busy.wait(), gate.wait())).await.map(|_| ()) })
        });
        let held: Vec<_> = held.collect();
        tokio::task::spawn_blocking(move || busy.wait()).await.unwrap();
        let worked = Arc::new(AtomicBool::new(false));
        let work = Arc::clone(&worked);
        let mut hung_up = Box::pin(hasher.run(move || work.store(true, Ordering::Relaxed)));
        assert!(poll_fn(|context| Poll::Ready(hung_up.as_mut().poll(context).is_pending())).await);
        drop(hung_up);
        gate.wait();
        for holder in held {
            holder.await.unwrap().unwrap();
        }
        // It stands behind the one who hung up.
        hasher.verify_nothing(password("anything"), &ENTROPY()).await.unwrap();
        assert!(!worked.load(Ordering::Relaxed));
    }

    #[tokio::test]
    async fn parameters_that_argon2_does_not_have_are_refused() {
        let none = HashParameters { passes: 0, ..HashParameters::default() };
        assert!(matches!(PasswordHasher::new(none, &ENTROPY()), Err(HashError::Failed)));
    }
}
