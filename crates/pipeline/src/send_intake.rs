//! The intake of sends: requests to send wait for the [`SendFlusher`], which stores those of one tenant in one transaction.
//!
//! - [`waiting`]: the requests that wait. Each tenant has a share of the capacity, and tenants are served in turn.

mod waiting;

use std::collections::BTreeSet;
use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use flows::{Database, SendAnswer, SendBell, SendRequest, SendStore, StoreSendError, store_sends};
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream::iter;
use kernel::seal::KeyRing;
use kernel::{Clock, StoreError, error_chain};
use metrics::histogram;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::failpoint;
use crate::metrics::SEND_BATCH_SIZE;
use waiting::{PendingSend, Waiting};

/// Buffers requests to send until the [`SendFlusher`] has stored them. All waiting requests of a tenant are stored together: the more
/// arrive, the fewer transactions there are per request.
#[derive(Clone, Debug)]
pub struct SendIntake {
    waiting: Arc<Waiting>,
}

/// Stores the requests of the [`SendIntake`]: takes those of a tenant that wait, without waiting for more, and commits them together. It
/// is a task of its own, so that a client that disconnects cannot cancel a commit.
#[derive(Clone)]
pub struct SendFlusher {
    database: Arc<dyn Database>,
    ring: Arc<KeyRing>,
    clock: Arc<dyn Clock>,
    bell: Arc<dyn SendBell>,
    waiting: Arc<Waiting>,
}

type Outcome = Result<SendAnswer, StoreSendError>;

/// Groups that are stored at a time, each in a transaction of its own tenant.
const MAX_CONCURRENT: usize = 6;
/// How long a tenant's next group waits for the one before. With more at a time, groups would be smaller, and commits more.
const SLOW_AFTER: Duration = Duration::from_millis(100);
/// Deadlocks and serialization failures are retried this often.
const CONTENTION_TRIES: u32 = 3;
const CONTENTION_PAUSE: Duration = Duration::from_millis(20);
/// Requests of a group that failed that are stored at a time.
const ALONE: usize = 3;
/// Longer than the database waits for a lock.
const DEADLINE: Duration = Duration::from_secs(12);

impl SendIntake {
    /// An intake, and the flusher that has to [run](SendFlusher::run) for it.
    #[must_use]
    pub fn new(
        database: Arc<dyn Database>,
        ring: Arc<KeyRing>,
        clock: Arc<dyn Clock>,
        bell: Arc<dyn SendBell>,
    ) -> (Self, SendFlusher) {
        let waiting = Arc::new(Waiting::new());
        (Self { waiting: Arc::clone(&waiting) }, SendFlusher { database, ring, clock, bell, waiting })
    }
}

#[async_trait]
impl SendStore for SendIntake {
    async fn store(&self, request: SendRequest) -> Outcome {
        let (result, stored) = oneshot::channel();
        self.waiting.offer(PendingSend { request, result })?;
        stored.await.unwrap_or(Err(StoreSendError::CutOff))
    }
}

impl SendFlusher {
    /// Runs until `stop` is cancelled, and then stores the requests that still wait.
    pub async fn run(self, stop: CancellationToken) {
        join_all((0..MAX_CONCURRENT).map(|_| self.store_groups(&stop))).await;
    }

    async fn store_groups(&self, stop: &CancellationToken) {
        while let Some((mut turn, group)) = self.waiting.next_group(stop).await {
            let mut flush = pin!(self.flush(group));
            if timeout(SLOW_AFTER, &mut flush).await.is_err() {
                turn.is_slow();
                flush.await;
            }
        }
    }

    /// Stores a group, and sends each caller its result. If the group fails although the database is available, each of its requests is
    /// stored alone.
    async fn flush(&self, mut group: Vec<PendingSend>) {
        #[expect(clippy::cast_precision_loss, reason = "a metric is a float, and a group is small")]
        histogram!(SEND_BATCH_SIZE).record(group.len() as f64);
        while !group.is_empty() {
            let requests: Vec<&SendRequest> = group.iter().map(|send| &send.request).collect();
            group = match self.store(&requests).await {
                Ok(outcomes) => self.answer(group, outcomes),
                Err(reason) if group.len() > 1 && !is_unknown(&reason) => {
                    let error = error_chain(&reason);
                    warn!(requests = group.len(), error, "storing requests to send failed; storing each alone");
                    let alone = iter(group).for_each_concurrent(ALONE, |send| self.flush_alone(send));
                    return alone.await;
                }
                Err(reason) => {
                    warn!(requests = group.len(), error = error_chain(&reason), "storing requests to send failed");
                    return not_stored(group, reason);
                }
            };
        }
    }

    async fn flush_alone(&self, send: PendingSend) {
        match self.store(&[&send.request]).await {
            Ok(outcomes) => drop(self.answer(vec![send], outcomes)),
            Err(reason) => not_stored(vec![send], reason),
        }
    }

    /// Wakes the senders, and answers the callers. Returns the requests that have no outcome yet.
    fn answer(&self, group: Vec<PendingSend>, outcomes: Vec<Option<Outcome>>) -> Vec<PendingSend> {
        failpoint::die_at("send.committed");
        let stored = outcomes.iter().flatten().flatten().filter_map(|answer| answer.account);
        for account in stored.collect::<BTreeSet<_>>() {
            self.bell.ring(account);
        }
        let mut left = Vec::new();
        for (send, outcome) in group.into_iter().zip(outcomes) {
            match outcome {
                // A client that disconnected has dropped its receiver.
                Some(outcome) => drop(send.result.send(outcome)),
                None => left.push(send),
            }
        }
        left
    }

    /// Retried a few times on contention.
    async fn store(&self, requests: &[&SendRequest]) -> Result<Vec<Option<Outcome>>, StoreError> {
        let mut tries = 1;
        loop {
            let stored = store_sends(&*self.database, requests, &self.ring, &*self.clock);
            let outcome = timeout(DEADLINE, stored).await;
            // It may be committed: nothing may be stored again.
            match outcome.unwrap_or_else(|_| Err(StoreError::Unavailable("no response".into()))) {
                Err(StoreError::Retryable(reason)) if tries < CONTENTION_TRIES => {
                    debug!(error = error_chain(&*reason), "storing requests to send failed; retrying");
                    sleep(CONTENTION_PAUSE * tries).await;
                    tries += 1;
                }
                outcome => return outcome,
            }
        }
    }
}

/// Whether the transaction may have been committed.
const fn is_unknown(error: &StoreError) -> bool {
    matches!(error, StoreError::Unavailable(_))
}

/// Each caller gets the reason.
fn not_stored(group: Vec<PendingSend>, reason: StoreError) {
    let reason = Arc::new(reason);
    for send in group {
        // As above.
        let _ = send.result.send(Err(StoreSendError::NotStored(Arc::clone(&reason))));
    }
}

impl fmt::Debug for SendFlusher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendFlusher").finish_non_exhaustive()
    }
}
