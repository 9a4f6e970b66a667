use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use flows::{AcceptError, Database, DeliveryStore, settle};
use inbound::{EventIntake, EventStatus, IncomingEvent, StoredEvent};
use kernel::ids::EventId;
use kernel::{Clock, StoreError, error_chain};
use metrics::histogram;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Mutex, Notify, mpsc, oneshot};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};

use crate::failpoint;
use crate::metrics::BATCH_SIZE;

/// Buffers the webhook deliveries of requests until the [`Flusher`] has stored them. All waiting deliveries are stored
/// together: the more arrive, the fewer commits there are per delivery.
#[derive(Clone, Debug)]
pub struct Intake(mpsc::Sender<PendingDelivery>);

/// Stores the deliveries of the [`Intake`]: takes those that wait, without waiting for more, and commits them in one
/// statement. It is a task of its own, so that a client that disconnects cannot cancel a commit. Several would make more
/// and smaller batches.
#[derive(Clone)]
pub struct Flusher {
    database: Arc<dyn Database>,
    clock: Arc<dyn Clock>,
    wake_relay: Arc<Notify>,
    queue: Arc<Mutex<mpsc::Receiver<PendingDelivery>>>,
}

/// A delivery whose request waits for the result.
#[derive(Debug)]
struct PendingDelivery {
    events: Vec<IncomingEvent>,
    result: oneshot::Sender<StoreResult>,
}

type StoreResult = Result<Vec<StoredEvent>, AcceptError>;

/// Deliveries that wait at most; further ones are refused as busy.
const CAPACITY: usize = 4_096;
/// A batch with this many events takes no further delivery.
const MAX_BATCH: usize = 256;
/// Events per statement. Meta sends at most 1,000 updates in a delivery.
const MAX_EVENTS_PER_STATEMENT: usize = 1_000;
/// Deadlocks and serialization failures are retried this often.
const CONTENTION_TRIES: u32 = 3;
const CONTENTION_PAUSE: Duration = Duration::from_millis(20);
/// Meta does not wait much longer for a response, and delivers again after a timeout.
const DEADLINE: Duration = Duration::from_secs(12);

impl Intake {
    /// An intake, and the flusher that has to [run](Flusher::run) for it. The flusher wakes the relay by `wake_relay`.
    #[must_use]
    pub fn new(database: Arc<dyn Database>, clock: Arc<dyn Clock>, wake_relay: Arc<Notify>) -> (Self, Flusher) {
        let (sender, receiver) = mpsc::channel(CAPACITY);
        (Self(sender), Flusher { database, clock, wake_relay, queue: Arc::new(Mutex::new(receiver)) })
    }
}

#[async_trait]
impl DeliveryStore for Intake {
    async fn store(&self, events: Vec<IncomingEvent>) -> StoreResult {
        let (result, stored) = oneshot::channel();
        self.0.try_send(PendingDelivery { events, result }).map_err(|refused| match refused {
            TrySendError::Full(_) => AcceptError::Busy,
            TrySendError::Closed(_) => AcceptError::CutOff,
        })?;
        stored.await.unwrap_or(Err(AcceptError::CutOff))
    }
}

impl Flusher {
    /// Runs until `stop` is cancelled, and then stores the deliveries that still wait.
    pub async fn run(self, stop: CancellationToken) {
        while let Some(batch) = self.next_batch(&stop).await {
            self.flush(batch).await;
        }
        // All senders are gone: the server has stopped, and `stop` will be cancelled.
        stop.cancelled().await;
    }

    /// The next delivery and those that wait behind it; `None` when the intake is closed and empty.
    async fn next_batch(&self, stop: &CancellationToken) -> Option<Vec<PendingDelivery>> {
        let mut queue = self.queue.lock().await;
        let first = tokio::select! {
            first = queue.recv() => first,
            () = stop.cancelled() => {
                queue.close();
                queue.recv().await
            }
        }?;
        let mut size = first.events.len();
        let mut batch = vec![first];
        while size < MAX_BATCH
            && let Ok(next) = queue.try_recv()
        {
            size += next.events.len();
            batch.push(next);
        }
        Some(batch)
    }

    /// Stores a batch, and sends each request its result.
    async fn flush(&self, batch: Vec<PendingDelivery>) {
        let mut report = BatchReport::new(&batch);
        let (waiting, events): (Vec<_>, Vec<_>) = batch.into_iter().map(|it| (it.result, it.events)).unzip();
        let mut events: Vec<IncomingEvent> = events.into_iter().flatten().collect();
        events.sort_by(|a, b| (a.app.as_str(), &a.event.dedupe_key).cmp(&(b.app.as_str(), &b.event.dedupe_key)));
        #[expect(clippy::cast_precision_loss, reason = "a metric is a float, and a batch is small")]
        histogram!(BATCH_SIZE).record(events.len() as f64);
        self.store(&events, &mut report).await;

        failpoint::die_at("accept.committed");
        let due = report.has_due();
        for (waiting, result) in waiting.into_iter().zip(report.results) {
            // A client that disconnected has dropped its receiver.
            let _ = waiting.send(result);
        }
        failpoint::die_at("accept.answered");
        if due {
            self.wake_relay.notify_one();
        }
    }

    /// Stores the events. If the database refuses them, they are split in half until the refused event is alone.
    async fn store(&self, events: &[IncomingEvent], report: &mut BatchReport) {
        match self.store_together(events).await {
            Ok(stored) => {
                log_stored(events, &stored);
                report.record_stored(stored);
            }
            Err(reason @ (StoreError::Unavailable(_) | StoreError::Retryable(_))) => {
                warn!(events = events.len(), error = error_chain(&reason), "storing events failed");
                report.record_failed(events, reason);
            }
            Err(reason) if events.len() > 1 => {
                debug!(
                    events = events.len(),
                    error = error_chain(&reason),
                    "storing events failed; retrying in two halves"
                );
                let (first, second) = events.split_at(events.len() / 2);
                Box::pin(self.store(first, report)).await;
                Box::pin(self.store(second, report)).await;
            }
            Err(reason) => {
                let (event_id, trace_id) = (events.first().map(|it| it.event.id.to_string()), trace_id(events));
                error!(event_id, trace_id, error = error_chain(&reason), "storing event failed");
                report.record_failed(events, reason);
            }
        }
    }

    /// One transaction, retried a few times on contention.
    async fn store_together(&self, events: &[IncomingEvent]) -> Result<Vec<StoredEvent>, StoreError> {
        let mut tries = 1;
        loop {
            let outcome = timeout(DEADLINE, self.transaction(events)).await;
            match outcome.unwrap_or_else(|_| Err(StoreError::Unavailable("no response".into()))) {
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
        let outcome = async {
            let mut stored = Vec::new();
            for chunk in events.chunks(MAX_EVENTS_PER_STATEMENT) {
                stored.extend(EventIntake::store_events(&mut *tx, chunk, now).await?);
            }
            Ok(stored)
        }
        .await;
        settle(tx, outcome).await
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

/// The results of the deliveries of a batch.
struct BatchReport {
    results: Vec<StoreResult>,
    /// The index of the delivery of each event.
    delivery_of: HashMap<EventId, usize>,
}

impl BatchReport {
    fn new(batch: &[PendingDelivery]) -> Self {
        let delivery_of = batch
            .iter()
            .enumerate()
            .flat_map(|(place, delivery)| delivery.events.iter().map(move |incoming| (incoming.event.id, place)));
        Self { results: batch.iter().map(|_| Ok(Vec::new())).collect(), delivery_of: delivery_of.collect() }
    }

    fn record_stored(&mut self, stored: Vec<StoredEvent>) {
        for event in stored {
            if let Some(Ok(result)) = self.result_of(event.id) {
                result.push(event);
            }
        }
    }

    fn record_failed(&mut self, events: &[IncomingEvent], reason: StoreError) {
        let reason = Arc::new(reason);
        for incoming in events {
            if let Some(result) = self.result_of(incoming.event.id) {
                *result = Err(AcceptError::NotStored(Arc::clone(&reason)));
            }
        }
    }

    fn result_of(&mut self, event: EventId) -> Option<&mut StoreResult> {
        self.results.get_mut(*self.delivery_of.get(&event)?)
    }

    /// Whether an event is due for the relay.
    fn has_due(&self) -> bool {
        let stored = self.results.iter().flatten().flatten();
        stored.into_iter().any(|event| event.status == EventStatus::Received)
    }
}

impl fmt::Debug for Flusher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flusher").finish_non_exhaustive()
    }
}
