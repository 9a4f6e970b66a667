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

/// Where requests hand in what Meta delivered. It is stored by the [`Flusher`], all that wait together: the more come in, the
/// fewer commits there are for each.
#[derive(Clone, Debug)]
pub struct Intake(mpsc::Sender<Waiting>);

/// Stores what waits: takes what is there, without waiting for more, and commits it in one statement. A task of its own, so
/// that a client who hangs up cannot cancel a commit. Several would share the work, in more and smaller batches.
#[derive(Clone)]
pub struct Flusher {
    database: Arc<dyn Database>,
    clock: Arc<dyn Clock>,
    /// Wakes the relay.
    nudge: Arc<Notify>,
    queue: Arc<Mutex<mpsc::Receiver<Waiting>>>,
}

/// A delivery that nobody has answered yet.
#[derive(Debug)]
struct Waiting {
    events: Vec<IncomingEvent>,
    answer: oneshot::Sender<Answer>,
}

type Answer = Result<Vec<StoredEvent>, AcceptError>;

/// Deliveries that wait at most; whoever comes later is told to come again.
const CAPACITY: usize = 4_096;
/// Nothing is added to a batch that has so many events.
const BATCH: usize = 256;
/// A delivery has a thousand events at most, as a rule; no statement grows beyond what is quick.
const STATEMENT: usize = 1_000;
/// Deadlocks and the like.
const CONTENTION_TRIES: u32 = 3;
const CONTENTION_PAUSE: Duration = Duration::from_millis(20);
/// Meta does not wait much longer, and sends again what was stored without its hearing of it.
const DEADLINE: Duration = Duration::from_secs(12);

impl Intake {
    /// An intake, and what has to [run](Flusher::run) for it.
    #[must_use]
    pub fn new(database: Arc<dyn Database>, clock: Arc<dyn Clock>, nudge: Arc<Notify>) -> (Self, Flusher) {
        let (sender, receiver) = mpsc::channel(CAPACITY);
        (Self(sender), Flusher { database, clock, nudge, queue: Arc::new(Mutex::new(receiver)) })
    }
}

#[async_trait]
impl DeliveryStore for Intake {
    async fn store(&self, events: Vec<IncomingEvent>) -> Answer {
        let (answer, answered) = oneshot::channel();
        self.0.try_send(Waiting { events, answer }).map_err(|refused| match refused {
            TrySendError::Full(_) => AcceptError::Busy,
            TrySendError::Closed(_) => AcceptError::CutOff,
        })?;
        answered.await.unwrap_or(Err(AcceptError::CutOff))
    }
}

impl Flusher {
    /// Runs until it is told to stop, and then stores what waits still.
    pub async fn run(self, stop: CancellationToken) {
        while let Some(batch) = self.next_batch(&stop).await {
            self.flush(batch).await;
        }
        // Nobody can hand in anything any more: the server has ended, and we will be told to.
        stop.cancelled().await;
    }

    /// A delivery and what else is there; nothing when there will be none any more.
    async fn next_batch(&self, stop: &CancellationToken) -> Option<Vec<Waiting>> {
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
        while size < BATCH
            && let Ok(next) = queue.try_recv()
        {
            size += next.events.len();
            batch.push(next);
        }
        Some(batch)
    }

    /// Stores a batch, and answers everybody who waits for a part of it.
    async fn flush(&self, batch: Vec<Waiting>) {
        let mut report = Report::new(&batch);
        let (waiting, events): (Vec<_>, Vec<_>) = batch.into_iter().map(|it| (it.answer, it.events)).unzip();
        let mut events: Vec<IncomingEvent> = events.into_iter().flatten().collect();
        events.sort_by(|a, b| (a.app.as_str(), &a.event.dedupe_key).cmp(&(b.app.as_str(), &b.event.dedupe_key)));
        #[expect(clippy::cast_precision_loss, reason = "a metric is a float, and a batch is small")]
        histogram!(BATCH_SIZE).record(events.len() as f64);
        self.store(&events, &mut report).await;

        failpoint::die_at("accept.committed");
        let due = report.has_due();
        for (waiting, answer) in waiting.into_iter().zip(report.answers) {
            // Who hung up does not hear of it.
            let _ = waiting.send(answer);
        }
        failpoint::die_at("accept.answered");
        if due {
            self.nudge.notify_one();
        }
    }

    /// Stores the events, and splits them in half where the database refuses them, until the one that it refuses is alone.
    async fn store(&self, events: &[IncomingEvent], report: &mut Report) {
        match self.store_together(events).await {
            Ok(stored) => {
                log_stored(events, &stored);
                report.note_stored(stored);
            }
            Err(reason @ (StoreError::Unavailable(_) | StoreError::Retryable(_))) => {
                warn!(events = events.len(), error = error_chain(&reason), "events were not stored");
                report.note_failed(events, reason);
            }
            Err(reason) if events.len() > 1 => {
                debug!(events = events.len(), error = error_chain(&reason), "events are stored in two halves");
                let (first, second) = events.split_at(events.len() / 2);
                Box::pin(self.store(first, report)).await;
                Box::pin(self.store(second, report)).await;
            }
            Err(reason) => {
                let (event_id, trace_id) = (events.first().map(|it| it.event.id.to_string()), trace_id(events));
                error!(event_id, trace_id, error = error_chain(&reason), "the database refuses an event");
                report.note_failed(events, reason);
            }
        }
    }

    /// One transaction, tried again a few times while others are in its way.
    async fn store_together(&self, events: &[IncomingEvent]) -> Result<Vec<StoredEvent>, StoreError> {
        let mut tries = 1;
        loop {
            let outcome = timeout(DEADLINE, self.transaction(events)).await;
            match outcome.unwrap_or_else(|_| Err(StoreError::Unavailable("it does not answer".into()))) {
                Err(StoreError::Retryable(reason)) if tries < CONTENTION_TRIES => {
                    debug!(error = error_chain(&*reason), "storing is tried again");
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
            for chunk in events.chunks(STATEMENT) {
                stored.extend(EventIntake::store_events(&mut *tx, chunk, now).await?);
            }
            Ok(stored)
        }
        .await;
        settle(tx, outcome).await
    }
}

/// A line for each event that was not there before, where anybody wants to see it.
fn log_stored(events: &[IncomingEvent], stored: &[StoredEvent]) {
    if !tracing::enabled!(tracing::Level::DEBUG) {
        return;
    }
    let incoming: HashMap<EventId, &IncomingEvent> = events.iter().map(|it| (it.event.id, it)).collect();
    for StoredEvent { id, tenant, status } in stored {
        let trace_id = incoming.get(id).map(|it| it.trace.trace_id());
        let tenant_id = tenant.map(|tenant| tenant.to_string());
        debug!(event_id = %id, tenant_id, trace_id, status = status.key(), "stored");
    }
}

fn trace_id(events: &[IncomingEvent]) -> Option<String> {
    events.first().map(|it| it.trace.trace_id())
}

/// What to answer the deliveries of a batch.
struct Report {
    answers: Vec<Answer>,
    /// The delivery that an event is of, by its place in the batch.
    delivery_of: HashMap<EventId, usize>,
}

impl Report {
    fn new(batch: &[Waiting]) -> Self {
        let delivery_of = batch
            .iter()
            .enumerate()
            .flat_map(|(place, delivery)| delivery.events.iter().map(move |incoming| (incoming.event.id, place)));
        Self { answers: batch.iter().map(|_| Ok(Vec::new())).collect(), delivery_of: delivery_of.collect() }
    }

    fn note_stored(&mut self, stored: Vec<StoredEvent>) {
        for event in stored {
            if let Some(Ok(answer)) = self.answer_for(event.id) {
                answer.push(event);
            }
        }
    }

    fn note_failed(&mut self, events: &[IncomingEvent], reason: StoreError) {
        let reason = Arc::new(reason);
        for incoming in events {
            if let Some(answer) = self.answer_for(incoming.event.id) {
                *answer = Err(AcceptError::NotStored(Arc::clone(&reason)));
            }
        }
    }

    fn answer_for(&mut self, event: EventId) -> Option<&mut Answer> {
        self.answers.get_mut(*self.delivery_of.get(&event)?)
    }

    /// Whether there is anything for the relay.
    fn has_due(&self) -> bool {
        let stored = self.answers.iter().flatten().flatten();
        stored.into_iter().any(|event| event.status == EventStatus::Received)
    }
}

impl fmt::Debug for Flusher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flusher").finish_non_exhaustive()
    }
}
