//! The worker: takes event ids from the queue and processes their events.
//!
//! - [`tenant_queue`]: the events that were received and not started, by tenant; one batch of a tenant is processed at a time.
//!   Payloads are read when a batch is processed, and those in memory at a time are bounded.
//! - [`quarantine`]: events that may have killed a worker, or whose batch took too long. Each is processed alone.
//! - [`batch_processor`]: makes an event that was started too often a dead letter, else processes a batch in one transaction. A
//!   batch that fails is split in half until the failing event is alone.
//! - [`outcome`]: what happened to each event, for the queue, logs and metrics.

mod batch_processor;
mod outcome;
mod quarantine;
mod tenant_batch;
mod tenant_queue;

use std::fmt;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use flows::{Database, settle};
use inbound::{EventConsumer, EventLedger, QueueMessage, RetryPolicy, UnfinishedEvent};
use kernel::ids::EventId;
use kernel::{Clock, Entropy, StoreError, Tracing, error_chain};
use outbound::AttemptRefs;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::backoff::retry_until_stopped;
use crate::interval::every;
use batch_processor::{BatchProcessor, BatchResult};
use outcome::Outcome;
use tenant_batch::HeldEvents;
use tenant_queue::TenantQueue;

/// Takes event ids from the queue and processes their events. All waiting events of a tenant are processed in one
/// transaction; several tenants are processed at a time.
///
/// A queue message is acknowledged only after the commit. When a worker dies, the broker delivers its messages again, and
/// events that were committed are not processed twice.
#[derive(Clone)]
pub struct Worker {
    pub database: Arc<dyn Database>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub retry: RetryPolicy,
    /// Recognise what Parley sent in statuses.
    pub attempt_refs: Arc<AttemptRefs>,
    pub tracing: Tracing,
}

/// Queue messages that are received at once.
const MAX_RECEIVED: usize = 1_000;
/// The relay takes an event for lost after four times as long.
const KEEP_INTERVAL: Duration = Duration::from_secs(5);
/// Tenants that are processed at a time, at least: while the server commits one batch, another is processed. Otherwise one
/// per core: with more, each batch has fewer events. Slow batches do not count.
const MIN_CONCURRENCY: usize = 2;

impl Worker {
    /// Runs until `stop` is cancelled, then finishes the batches in flight. Messages that were received and not started go
    /// back to the queue when the connection closes.
    pub async fn run(self, mut consumer: Box<dyn EventConsumer>, stop: CancellationToken) {
        let concurrency = available_parallelism().map_or(MIN_CONCURRENCY, |cores| cores.get().max(MIN_CONCURRENCY));
        let (mut queue, mut in_flight) = (TenantQueue::new(concurrency), JoinSet::new());
        let (mut held, mut keep) = (HeldEvents::default(), every(KEEP_INTERVAL));
        loop {
            let now = Instant::now();
            while let Some(batch) = queue.next(now) {
                in_flight.spawn(self.processor().run(batch, stop.clone()));
            }
            let next_place = queue.next_place(now);
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = sleep_until(next_place.unwrap_or(now)), if next_place.is_some() => {}
                Some(finished) = in_flight.join_next() => {
                    settle_batch(finished, &mut queue, &mut held, &mut *consumer).await;
                }
                _ = keep.tick() => self.keep_published(held.older_than(KEEP_INTERVAL, Instant::now())),
                messages = consumer.receive(MAX_RECEIVED) => {
                    let ids: Vec<EventId> = messages.iter().map(|message| message.event).collect();
                    let Some(events) = retry_until_stopped(|| self.load(&ids), &stop).await else { break };
                    for event in &events {
                        held.add(event.id, now);
                    }
                    consumer.acknowledge(&queue.add(messages, events)).await;
                }
            }
        }
        while let Some(finished) = in_flight.join_next().await {
            settle_batch(finished, &mut queue, &mut held, &mut *consumer).await;
        }
    }

    /// Tells the ledger, in the background, that these events are not lost though the queue is empty.
    fn keep_published(&self, events: Vec<EventId>) {
        if events.is_empty() {
            return;
        }
        let worker = self.clone();
        tokio::spawn(async move {
            if let Err(error) = worker.try_keep_published(&events).await {
                warn!(error = error_chain(&error), "keeping published events failed; they may be published again");
            }
        });
    }

    async fn try_keep_published(&self, events: &[EventId]) -> Result<(), StoreError> {
        let mut tx = self.database.intake().await?;
        let outcome = EventLedger::keep_published(&mut *tx, events, self.clock.now()).await;
        settle(tx, outcome).await
    }

    fn processor(&self) -> BatchProcessor {
        BatchProcessor {
            database: Arc::clone(&self.database),
            clock: Arc::clone(&self.clock),
            entropy: Arc::clone(&self.entropy),
            retry: self.retry,
            attempt_refs: Arc::clone(&self.attempt_refs),
            tracing: self.tracing.clone(),
        }
    }

    /// The events that are not finished, without their payloads.
    async fn load(&self, ids: &[EventId]) -> Result<Vec<UnfinishedEvent>, StoreError> {
        let mut tx = self.database.intake().await?;
        let outcome = EventLedger::unfinished_events(&mut *tx, ids).await;
        settle(tx, outcome).await
    }
}

/// Acknowledges the messages of a batch; those of dead letters are rejected, which moves them to the dead letter queue. An
/// event without an outcome was interrupted: its message stays unsettled and is delivered again.
async fn settle_batch(
    finished: Result<BatchResult, JoinError>,
    queue: &mut TenantQueue,
    held: &mut HeldEvents,
    consumer: &mut dyn EventConsumer,
) {
    let BatchResult { mut batch, mut outcomes } = match finished {
        Ok(result) => result,
        Err(error) => resume_unwind(error.into_panic()),
    };
    queue.finish(batch.tenant);
    for event in outcomes.take_timed_out() {
        let messages = batch.take_messages(&event);
        queue.isolate(event, messages);
    }
    let (rejected, acknowledged): (Vec<QueueMessage>, Vec<QueueMessage>) = batch
        .queue_messages
        .into_iter()
        .filter(|message| outcomes.get(message.event).is_some())
        .partition(|message| outcomes.get(message.event) == Some(Outcome::DeadLettered));
    for message in acknowledged.iter().chain(&rejected) {
        held.remove(message.event);
    }
    consumer.acknowledge(&acknowledged).await;
    for message in &rejected {
        consumer.reject(message).await;
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("retry", &self.retry).finish_non_exhaustive()
    }
}
