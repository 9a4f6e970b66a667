//! The intake: deliveries wait for the [`Flusher`], which stores many of them in one transaction.
//!
//! - [`queues`]: the deliveries that wait. Each Meta app has a share of the capacity, and apps are served in turn.
//! - [`dropped_events`]: unusable events beyond the quota of their app are not stored.
//! - [`lone_delivery`]: deliveries with many events, and those whose batch failed, are stored alone, in parts.

mod batch_report;
mod dropped_events;
mod lone_delivery;
mod pending_delivery;
mod queues;

use std::collections::HashMap;
use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use flows::{AcceptError, Database, DeliveryStore, settle};
use futures_util::future::{join, join_all};
use inbound::{EventIntake, IncomingEvent, StoredBatch, StoredEvent, UnusableQuota};
use kernel::ids::EventId;
use kernel::{Clock, StoreError, error_chain};
use metrics::histogram;
use tokio::sync::{Mutex, Notify, Semaphore, oneshot};
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};
use whatsapp::{MetaAppKey, NewEvent, split};

use crate::failpoint;
use crate::metrics::BATCH_SIZE;
use batch_report::BatchReport;
use dropped_events::DroppedEvents;
use lone_delivery::LoneDelivery;
use pending_delivery::{PendingDelivery, StoreResult};
use queues::Queues;

/// Buffers the webhook deliveries of requests until the [`Flusher`] has stored them. All waiting deliveries are stored
/// together: the more arrive, the fewer commits there are per delivery.
#[derive(Clone)]
pub struct Intake {
    queues: Arc<Queues>,
    clock: Arc<dyn Clock>,
    splitting: Arc<Semaphore>,
}

/// Stores the deliveries of the [`Intake`]: takes those that wait, without waiting for more, and commits them in one
/// statement. It is a task of its own, so that a client that disconnects cannot cancel a commit.
#[derive(Clone)]
pub struct Flusher {
    database: Arc<dyn Database>,
    clock: Arc<dyn Clock>,
    wake_relay: Arc<Notify>,
    queues: Arc<Queues>,
    quota: UnusableQuota,
    dropped: Arc<DroppedEvents>,
    /// Held while a batch is collected, and while it is stored, unless that is slow.
    turn: Arc<Mutex<()>>,
    /// Held while a part of a delivery is stored alone.
    lone_turn: Arc<Mutex<()>>,
}

/// A batch with this many events takes no further delivery.
const MAX_BATCH: usize = 256;
/// Events of a delivery that is stored alone, per transaction.
const MAX_PART: usize = 1_000;
/// Bytes of a delivery that is split on the request's thread: a millisecond of work.
const SPLIT_AT_ONCE: usize = 64 << 10;
/// Larger deliveries that are split at a time.
const MAX_SPLITTING: usize = 1;
/// Batches that are stored at a time, if they are slow.
const MAX_CONCURRENT: usize = 3;
/// How long the next batch waits for the one before. With more at a time, batches would be smaller, and commits more.
const SLOW_AFTER: Duration = Duration::from_millis(100);
/// Deadlocks and serialization failures are retried this often.
const CONTENTION_TRIES: u32 = 3;
const CONTENTION_PAUSE: Duration = Duration::from_millis(20);
/// Meta does not wait much longer for a response, and delivers again after a timeout.
const DEADLINE: Duration = Duration::from_secs(12);

impl Intake {
    /// An intake, and the flusher that has to [run](Flusher::run) for it. The flusher wakes the relay by `wake_relay`.
    #[must_use]
    pub fn new(
        database: Arc<dyn Database>,
        clock: Arc<dyn Clock>,
        wake_relay: Arc<Notify>,
        quota: UnusableQuota,
    ) -> (Self, Flusher) {
        let queues = Arc::new(Queues::new());
        let [turn, lone_turn] = [(); 2].map(|()| Arc::new(Mutex::new(())));
        let splitting = Arc::new(Semaphore::new(MAX_SPLITTING));
        let intake = Self { queues: Arc::clone(&queues), clock: Arc::clone(&clock), splitting };
        let dropped = Arc::default();
        (intake, Flusher { database, clock, wake_relay, queues, quota, dropped, turn, lone_turn })
    }
}

#[async_trait]
impl DeliveryStore for Intake {
    async fn split(&self, body: &[u8]) -> Result<Vec<NewEvent>, AcceptError> {
        if body.len() <= SPLIT_AT_ONCE {
            return Ok(split(body, &*self.clock));
        }
        let _permit = self.splitting.acquire().await.map_err(|_| AcceptError::CutOff)?;
        let (body, clock) = (body.to_vec(), Arc::clone(&self.clock));
        spawn_blocking(move || split(&body, &*clock)).await.map_err(|_| AcceptError::CutOff)
    }

    async fn store(&self, events: Vec<IncomingEvent>) -> StoreResult {
        let Some(app) = events.first().map(|incoming| incoming.app.clone()) else { return Ok(Vec::new()) };
        let (result, stored) = oneshot::channel();
        self.queues.offer(&app, PendingDelivery { events, result })?;
        stored.await.unwrap_or(Err(AcceptError::CutOff))
    }
}

impl Flusher {
    /// Runs until `stop` is cancelled, and then stores the deliveries that still wait.
    pub async fn run(self, stop: CancellationToken) {
        let together_done = CancellationToken::new();
        let together = async {
            join_all((0..MAX_CONCURRENT).map(|_| self.store_batches(&stop))).await;
            together_done.cancel();
        };
        join(together, self.store_lone_deliveries(&together_done)).await;
    }

    /// Stores one batch after the other. The next loop takes over while a batch is slow.
    async fn store_batches(&self, stop: &CancellationToken) {
        loop {
            let turn = self.turn.lock().await;
            let Some(batch) = self.next_batch(stop).await else { return };
            let mut flush = pin!(self.flush(batch));
            if timeout(SLOW_AFTER, &mut flush).await.is_err() {
                drop(turn);
                flush.await;
            }
        }
    }

    async fn store_lone_deliveries(&self, stop: &CancellationToken) {
        loop {
            let _turn = self.lone_turn.lock().await;
            let Some((app, delivery)) = self.queues.lone.next(stop).await else { return };
            self.store_alone(app, delivery).await;
        }
    }

    /// Stores the next part of a delivery. Then others have their turn, so that a small one does not wait for all parts of a large
    /// one.
    async fn store_alone(&self, app: MetaAppKey, mut delivery: LoneDelivery) {
        let part = delivery.next_part(MAX_PART);
        let mut report = BatchReport::new([part.as_slice()]);
        let goes_on = self.store(&part, &mut report).await;
        if report.has_due() {
            self.wake_relay.notify_one();
        }
        for result in report.results {
            delivery.record(result);
        }
        if goes_on && delivery.len() > 0 {
            self.queues.lone.push(&app, delivery);
        } else {
            delivery.finish();
        }
    }

    /// The next delivery and those that wait behind it; `None` when the intake is closed and empty.
    async fn next_batch(&self, stop: &CancellationToken) -> Option<Vec<(MetaAppKey, PendingDelivery)>> {
        let first = self.queues.together.next(stop).await?;
        let mut size = first.1.events.len();
        let mut batch = vec![first];
        while size < MAX_BATCH
            && let Some(next) = self.queues.together.try_next()
        {
            size += next.1.events.len();
            batch.push(next);
        }
        Some(batch)
    }

    /// Stores a batch, and sends each request its result. If the batch fails although the database is available, each of its
    /// deliveries is stored alone.
    async fn flush(&self, batch: Vec<(MetaAppKey, PendingDelivery)>) {
        let mut report = BatchReport::new(batch.iter().map(|(_, delivery)| delivery.events.as_slice()));
        let (mut waiting, mut events) = (Vec::with_capacity(batch.len()), Vec::new());
        for (app, PendingDelivery { events: of_delivery, result }) in batch {
            waiting.push((app, result));
            events.extend(of_delivery);
        }
        match self.store_together(&events).await {
            Ok(stored) => {
                log_stored(&events, &stored);
                report.record_stored(stored);
            }
            Err(reason @ StoreError::Unavailable(_)) => {
                warn!(events = events.len(), error = error_chain(&reason), "storing events failed");
                report.record_failed(&events, reason);
            }
            Err(reason) => {
                warn!(
                    deliveries = waiting.len(),
                    events = events.len(),
                    error = error_chain(&reason),
                    "storing events failed; storing each delivery alone"
                );
                for ((app, result), events) in waiting.into_iter().zip(report.split(events)) {
                    self.queues.lone.push(&app, LoneDelivery::of(PendingDelivery { events, result }));
                }
                return;
            }
        }
        failpoint::die_at("accept.committed");
        let due = report.has_due();
        for ((_, waiting), result) in waiting.into_iter().zip(report.results) {
            // A client that disconnected has dropped its receiver.
            let _ = waiting.send(result);
        }
        failpoint::die_at("accept.answered");
        if due {
            self.wake_relay.notify_one();
        }
    }

    /// Stores events of one delivery. If the database refuses them, they are split in half until the refused event is alone.
    /// Returns false if the database is unavailable or too slow for them.
    async fn store(&self, events: &[IncomingEvent], report: &mut BatchReport) -> bool {
        match self.store_together(events).await {
            Ok(stored) => {
                log_stored(events, &stored);
                report.record_stored(stored);
                true
            }
            Err(reason @ (StoreError::Unavailable(_) | StoreError::LimitExceeded(_) | StoreError::Retryable(_))) => {
                warn!(events = events.len(), error = error_chain(&reason), "storing events failed");
                report.record_failed(events, reason);
                false
            }
            Err(reason) if events.len() > 1 => {
                debug!(
                    events = events.len(),
                    error = error_chain(&reason),
                    "storing events failed; retrying in two halves"
                );
                let (first, second) = events.split_at(events.len() / 2);
                Box::pin(self.store(first, report)).await && Box::pin(self.store(second, report)).await
            }
            Err(reason) => {
                let (event_id, trace_id) = (events.first().map(|it| it.event.id.to_string()), trace_id(events));
                error!(event_id, trace_id, error = error_chain(&reason), "storing event failed");
                report.record_failed(events, reason);
                true
            }
        }
    }

    /// One transaction, retried a few times on contention.
    async fn store_together(&self, events: &[IncomingEvent]) -> Result<Vec<StoredEvent>, StoreError> {
        #[expect(clippy::cast_precision_loss, reason = "a metric is a float, and a batch is small")]
        histogram!(BATCH_SIZE).record(events.len() as f64);
        let mut tries = 1;
        loop {
            let outcome = timeout(DEADLINE, self.transaction(events)).await;
            match outcome.unwrap_or_else(|_| Err(StoreError::LimitExceeded("no response".into()))) {
                Err(StoreError::Retryable(reason)) if tries < CONTENTION_TRIES => {
                    debug!(error = error_chain(&*reason), "storing events failed; retrying");
                    sleep(CONTENTION_PAUSE * tries).await;
                    tries += 1;
                }
                outcome => return outcome,
            }
        }
    }

    async fn transaction(&self, events: &[IncomingEvent]) -> Result<Vec<StoredEvent>, StoreError> {
        let now = self.clock.now();
        let mut tx = self.database.intake().await?;
        let outcome = EventIntake::store_events(&mut *tx, events, self.quota, now).await;
        let StoredBatch { stored, dropped } = settle(tx, outcome).await?;
        self.dropped.report(events, &dropped, now);
        Ok(stored)
    }
}

/// A log line for each event that was not stored before.
fn log_stored(events: &[IncomingEvent], stored: &[StoredEvent]) {
    if !tracing::enabled!(tracing::Level::DEBUG) {
        return;
    }
    let incoming: HashMap<EventId, &IncomingEvent> = events.iter().map(|it| (it.event.id, it)).collect();
    for StoredEvent { id, tenant, status } in stored {
        let trace_id = incoming.get(id).map(|it| it.trace.trace_id());
        let tenant_id = tenant.map(|tenant| tenant.to_string());
        debug!(event_id = %id, tenant_id, trace_id, status = status.into_str(), "stored");
    }
}

fn trace_id(events: &[IncomingEvent]) -> Option<String> {
    events.first().map(|it| it.trace.trace_id())
}

impl fmt::Debug for Intake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intake").field("queues", &self.queues).finish_non_exhaustive()
    }
}

impl fmt::Debug for Flusher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flusher").finish_non_exhaustive()
    }
}
