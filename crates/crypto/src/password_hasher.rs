use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use iam::{HashError, HashParameters, HashRequester, Password, PasswordHash, PasswordHasher, PasswordVerification};
use kernel::{Entropy, EntropyUnavailable};
use metrics::{gauge, histogram};
use rayon_core::{ThreadPool, ThreadPoolBuilder};
use rustix::process::nice;
use tokio::sync::{Semaphore, oneshot};

use crate::argon2id::{Memory, is_made_with, parse};
use crate::metrics::{PASSWORD_HASH, PASSWORD_HASH_QUEUE};

/// Hashes and verifies with argon2id.
///
/// The work runs on threads of its own, one per core, at a lower priority than the threads that serve requests. A bounded number
/// of passwords waits, and further ones are refused, so that a login storm neither slows other requests nor fills the memory.
///
/// Strangers, who sign up or register, get half of the queue and of the threads: the other half is left to logins.
#[derive(Clone)]
pub struct Argon2Hasher {
    parameters: HashParameters,
    threads: Arc<ThreadPool>,
    admitted: Arc<Semaphore>,
    strangers: Strangers,
    memory: Memory,
    dummy: PasswordHash,
}

/// The share of those who are not authenticated.
#[derive(Clone)]
struct Strangers {
    admitted: Arc<Semaphore>,
    /// Threads. Who waits for one is not in the queue of the threads yet, where a login would wait behind them.
    running: Arc<Semaphore>,
}

impl Strangers {
    fn on(cores: usize) -> Self {
        let running = (cores / 2).max(1);
        Self {
            admitted: Arc::new(Semaphore::new(running * (1 + Argon2Hasher::WAITING_PER_CORE))),
            running: Arc::new(Semaphore::new(running)),
        }
    }
}

impl Argon2Hasher {
    /// At 20 to 33 ms each, a queue of this length per core takes at most two seconds on an otherwise idle core.
    const WAITING_PER_CORE: usize = 64;
    const SALT_BYTES: usize = 16;
    /// The nice value of the threads. A hash gets a quarter of a core that a thread of nice value 0 uses fully.
    const NICENESS: i32 = 5;

    /// # Errors
    /// [`HashError`] if the dummy hash cannot be made, as with parameters that argon2 refuses, or threads cannot be started.
    pub fn new(parameters: HashParameters, entropy: &dyn Entropy) -> Result<Self, HashError> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let mut dummy_password = [0; 32];
        entropy.fill(&mut dummy_password)?;
        let memory = Memory::default();
        let threads = ThreadPoolBuilder::new()
            .num_threads(cores)
            .thread_name(|n| format!("hash-{n}"))
            // On failure, hashes compete with requests; that is no reason not to start.
            .start_handler(|_| {
                let _ = nice(Self::NICENESS);
            })
            // The caller gets `HashError::Failed`, since the result's channel is dropped.
            .panic_handler(|_| {})
            .build()
            .map_err(|_| HashError::Failed)?;
        Ok(Self {
            parameters,
            threads: Arc::new(threads),
            admitted: Arc::new(Semaphore::new(cores * (1 + Self::WAITING_PER_CORE))),
            strangers: Strangers::on(cores),
            dummy: memory.hash(parameters, &dummy_password, &salt(entropy)?)?,
            memory,
        })
    }

    /// Runs the work of a stranger, in the strangers' share.
    async fn run_for_stranger<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HashError> {
        let Strangers { admitted, running } = self.strangers.clone();
        let _admitted = admitted.try_acquire_owned().map_err(|_| HashError::Busy)?;
        let running = running.acquire_owned().await.map_err(|_| HashError::Failed)?;
        self.run(move || {
            // Held by the work: a caller that disconnects does not free the thread.
            let _running = running;
            work()
        })
        .await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, HashError> {
        let admitted = Arc::clone(&self.admitted).try_acquire_owned().map_err(|_| HashError::Busy)?;
        let waiting = Waiting::begin();
        let (done, result) = oneshot::channel();
        self.threads.spawn_fifo(move || {
            drop(waiting);
            // The permit is held until the work is done: a caller that disconnects does not free the core that still works for
            // it. Work whose caller has already disconnected is skipped.
            let _permit = admitted;
            if done.is_closed() {
                return;
            }
            let started = Instant::now();
            let result = work();
            histogram!(PASSWORD_HASH).record(started.elapsed());
            // The caller may have disconnected.
            let _ = done.send(result);
        });
        result.await.map_err(|_| HashError::Failed)
    }
}

#[async_trait]
impl PasswordHasher for Argon2Hasher {
    async fn hash(
        &self,
        password: Password,
        requester: HashRequester,
        entropy: &dyn Entropy,
    ) -> Result<PasswordHash, HashError> {
        let (parameters, memory, salt) = (self.parameters, self.memory.clone(), salt(entropy)?);
        let work = move || memory.hash(parameters, password.expose().as_bytes(), &salt);
        match requester {
            HashRequester::Stranger => self.run_for_stranger(work).await?,
            HashRequester::Authenticated => self.run(work).await?,
        }
    }

    async fn verify(
        &self,
        password: Password,
        stored: PasswordHash,
        renew: bool,
        entropy: &dyn Entropy,
    ) -> Result<PasswordVerification, HashError> {
        let (parameters, memory, salt) = (self.parameters, self.memory.clone(), salt(entropy)?);
        self.run(move || {
            let (password, stored) = (password.expose().as_bytes(), parse(&stored)?);
            if !memory.verify(password, &stored)? {
                return Ok(PasswordVerification::Mismatch);
            }
            let outdated = renew && !is_made_with(&stored, parameters);
            Ok(PasswordVerification::Match {
                renewed: outdated.then(|| memory.hash(parameters, password, &salt)).transpose()?,
            })
        })
        .await?
    }

    async fn verify_dummy(&self, password: Password, entropy: &dyn Entropy) -> Result<(), HashError> {
        self.verify(password, self.dummy.clone(), false, entropy).await.map(|_| ())
    }
}

impl fmt::Debug for Argon2Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Argon2Hasher").field("parameters", &self.parameters).finish_non_exhaustive()
    }
}

/// Counts a waiting password in the gauge, until dropped.
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

fn salt(entropy: &dyn Entropy) -> Result<[u8; Argon2Hasher::SALT_BYTES], EntropyUnavailable> {
    let mut salt = [0; Argon2Hasher::SALT_BYTES];
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
        Password::for_login(text).unwrap()
    }

    fn hasher(memory_kib: u32) -> Argon2Hasher {
        Argon2Hasher::new(HashParameters { memory_kib, ..HashParameters::default() }, &ENTROPY()).unwrap()
    }

    #[tokio::test]
    async fn hash_verifies_only_its_password() {
        let hasher = Argon2Hasher::new(HashParameters::default(), &ENTROPY()).unwrap();
        let hash = hasher.hash(password("correct horse"), HashRequester::Authenticated, &ENTROPY()).await.unwrap();
        assert!(hash.as_phc().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        let verify = async |text| hasher.verify(password(text), hash.clone(), true, &ENTROPY()).await.unwrap();
        assert!(matches!(verify("correct horse").await, PasswordVerification::Match { renewed: None }));
        assert!(matches!(verify("battery staple").await, PasswordVerification::Mismatch));
    }

    #[tokio::test]
    async fn hash_with_outdated_parameters_is_renewed() {
        let hash =
            hasher(8_192).hash(password("correct horse"), HashRequester::Authenticated, &ENTROPY()).await.unwrap();
        let today = hasher(9_216);
        let verify = async |text, renew| today.verify(password(text), hash.clone(), renew, &ENTROPY()).await.unwrap();
        assert!(matches!(verify("battery staple", true).await, PasswordVerification::Mismatch));
        assert!(matches!(verify("correct horse", false).await, PasswordVerification::Match { renewed: None }));
        let PasswordVerification::Match { renewed: Some(renewed) } = verify("correct horse", true).await else {
            panic!("it is not renewed");
        };
        assert!(renewed.as_phc().starts_with("$argon2id$v=19$m=9216,t=2,p=1$"));
        let again = today.verify(password("correct horse"), renewed, true, &ENTROPY()).await.unwrap();
        assert!(matches!(again, PasswordVerification::Match { renewed: None }));
    }

    #[tokio::test]
    async fn hashing_threads_run_at_lower_priority() {
        let here = || getpriority_process(None).unwrap();
        let there = hasher(8_192).run(here).await.unwrap();
        assert_eq!(there, (here() + Argon2Hasher::NICENESS).min(19));
    }

    #[tokio::test]
    async fn full_queue_refuses() {
        let hasher = hasher(8_192);
        let all = u32::try_from(hasher.admitted.available_permits()).unwrap();
        let _taken = hasher.admitted.acquire_many(all).await.unwrap();
        assert!(matches!(hasher.verify_dummy(password("anything"), &ENTROPY()).await, Err(HashError::Busy)));
    }

    #[tokio::test]
    async fn strangers_leave_logins_a_place_and_a_thread() {
        let hasher = hasher(8_192);
        let Strangers { admitted, running } = hasher.strangers.clone();
        let (places, threads) = (admitted.available_permits(), running.available_permits());
        assert!(places < hasher.admitted.available_permits() || hasher.threads.current_num_threads() == 1);
        let _busy = running.acquire_many(u32::try_from(threads).unwrap()).await.unwrap();
        let waiting: Vec<_> = (0..places)
            .map(|_| {
                let hasher = hasher.clone();
                tokio::spawn(async move { hasher.hash(password("x"), HashRequester::Stranger, &ENTROPY()).await })
            })
            .collect();
        while admitted.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let one_more = hasher.hash(password("x"), HashRequester::Stranger, &ENTROPY()).await;
        assert!(matches!(one_more, Err(HashError::Busy)));
        // A login is neither refused nor behind them.
        hasher.verify_dummy(password("anything"), &ENTROPY()).await.unwrap();
        assert!(waiting.iter().all(|stranger| !stranger.is_finished()));
        waiting.iter().for_each(tokio::task::JoinHandle::abort);
    }

    #[tokio::test]
    async fn panicking_hash_fails_and_frees_its_place() {
        let hasher = hasher(8_192);
        let all = hasher.admitted.available_permits();
        let crashed = hasher.run(|| -> () { panic!("a test makes it crash") }).await;
        assert!(matches!(crashed, Err(HashError::Failed)));
        let _all = hasher.admitted.acquire_many(u32::try_from(all).unwrap()).await.unwrap();
    }

    #[tokio::test]
    async fn work_of_disconnected_caller_is_skipped() {
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
        let mut disconnected = Box::pin(hasher.run(move || work.store(true, Ordering::Relaxed)));
        assert!(poll_fn(|context| Poll::Ready(disconnected.as_mut().poll(context).is_pending())).await);
        drop(disconnected);
        gate.wait();
        for holder in held {
            holder.await.unwrap().unwrap();
        }
        // Queued after the work of the disconnected caller.
        hasher.verify_dummy(password("anything"), &ENTROPY()).await.unwrap();
        assert!(!worked.load(Ordering::Relaxed));
    }

    #[tokio::test]
    async fn invalid_parameters_are_refused() {
        let none = HashParameters { passes: 0, ..HashParameters::default() };
        assert!(matches!(Argon2Hasher::new(none, &ENTROPY()), Err(HashError::Failed)));
    }
}
