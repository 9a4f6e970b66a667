mod desk;
mod group;
mod outcome;

use std::fmt;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread::available_parallelism;

use flows::{Database, settle};
use inbound::{Delivery, EventLedger, EventSource, QueuedEvent, RetryPolicy};
use kernel::ids::EventId;
use kernel::{Clock, Entropy, StoreError, Tracing, error_chain};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::backoff::Backoff;
use desk::Desk;
use group::Done;
use outcome::Outcome;

/// Takes ids from the queue and processes their events: all of a tenant's that wait in one transaction, some tenants at a time.
/// A delivery is settled only after the commit, so a worker that dies loses nothing: its events come again, and what was
/// committed is not done twice.
#[derive(Clone)]
pub struct Worker {
    pub database: Arc<dyn Database>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub retry: RetryPolicy,
    pub tracing: Tracing,
}

/// Deliveries that are taken in at once.
const BATCH: usize = 1_000;
/// Tenants that are worked for at once, at least: while the server commits what is one's, we work for another. Otherwise one
/// for each core: with more they have fewer events each.
const AT_ONCE: usize = 2;

impl Worker {
    /// Runs until it is told to stop.
    pub async fn run(self, mut source: Box<dyn EventSource>, stop: CancellationToken) {
        let at_once = available_parallelism().map_or(AT_ONCE, |cores| cores.get().max(AT_ONCE));
        let (mut desk, mut at_work) = (Desk::default(), JoinSet::new());
        loop {
            while at_work.len() < at_once
                && let Some(group) = desk.next(at_work.len())
            {
                at_work.spawn(self.clone().work(group, stop.clone()));
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(done) = at_work.join_next() => settle_group(done, &mut desk, &mut *source).await,
                deliveries = source.receive(BATCH) => {
                    let ids: Vec<EventId> = deliveries.iter().map(|delivery| delivery.event).collect();
                    let Some(events) = insist(|| self.load(&ids), &stop).await else { break };
                    source.acknowledge(&desk.take_in(deliveries, events)).await;
                }
            }
        }
        // What was not begun goes back to the queue when the connection closes.
        while let Some(done) = at_work.join_next().await {
            settle_group(done, &mut desk, &mut *source).await;
        }
    }

    /// The events that are not finished.
    async fn load(&self, ids: &[EventId]) -> Result<Vec<QueuedEvent>, StoreError> {
        let mut tx = self.database.intake().await?;
        let outcome = EventLedger::waiting_events(&mut *tx, ids).await;
        settle(tx, outcome).await
    }

    /// A random byte; without randomness everything simply waits equally long.
    fn jitter(&self) -> u8 {
        let mut byte = [0];
        let _ = self.entropy.fill(&mut byte);
        byte[0]
    }
}

/// Asks the database for as long as it takes; nothing if it is time to stop.
async fn insist<T, F>(ask: impl Fn() -> F + Sync, stop: &CancellationToken) -> Option<T>
where
    F: Future<Output = Result<T, StoreError>> + Send,
{
    let mut backoff = Backoff::new();
    loop {
        match ask().await {
            Ok(answer) => return Some(answer),
            Err(error) => warn!(error = error_chain(&error), "the worker waits for the database"),
        }
        backoff.pause(stop).await;
        if stop.is_cancelled() {
            return None;
        }
    }
}

/// Tells the broker what became of a group. What has no outcome was interrupted, and comes again.
async fn settle_group(done: Result<Done, JoinError>, desk: &mut Desk, source: &mut dyn EventSource) {
    let Done { group, outcomes } = match done {
        Ok(done) => done,
        Err(error) => resume_unwind(error.into_panic()),
    };
    desk.done(group.tenant);
    let (rejected, settled): (Vec<Delivery>, Vec<Delivery>) = group
        .deliveries
        .into_iter()
        .filter(|delivery| outcomes.get(delivery.event).is_some())
        .partition(|delivery| outcomes.get(delivery.event) == Some(Outcome::Buried));
    source.acknowledge(&settled).await;
    for delivery in &rejected {
        source.reject(delivery).await;
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("retry", &self.retry).finish_non_exhaustive()
    }
}
