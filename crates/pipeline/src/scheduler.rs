use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use flows::{ANSWERS_KEPT, Database, IdempotencyHousekeeping, settle};
use iam::ThrottleRepo;
use inbound::{EventHousekeeping, EventStatus, Purged, QueueInspector, RetentionPolicy, Unfinished};
use kernel::{Clock, StoreError, error_chain};
use metrics::gauge;
use tokens::SessionHousekeeping;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::metrics::{DEAD_LETTERS, OLDEST_WAITING, QUEUE_CONSUMERS, QUEUE_MESSAGES, WAITING};
use crate::ticks::every;

/// What is to be done now and then: measures what waits, and deletes what is kept long enough. Any number of them may run
/// side by side.
#[derive(Clone)]
pub struct Scheduler {
    pub database: Arc<dyn Database>,
    pub queues: Arc<dyn QueueInspector>,
    pub clock: Arc<dyn Clock>,
    pub retention: RetentionPolicy,
}

const MEASURE_INTERVAL: Duration = Duration::from_secs(10);
const PURGE_INTERVAL: Duration = Duration::from_mins(1);
/// So few that nobody waits for the locks of a step.
const CHUNK: u16 = 1_000;
/// Sessions that have ended are kept for so long: whoever shows a token of theirs is told the same as of one that is gone.
const ENDED_SESSIONS: TimeDelta = TimeDelta::days(7);

/// What is of use for a while only.
#[derive(Clone, Copy, Debug)]
enum Leftover {
    /// Tries to get in.
    Tallies,
    /// Answers to requests that may be sent again.
    KeptAnswers,
    /// Sessions that have ended, and their refresh tokens.
    Sessions,
}

impl Scheduler {
    /// Runs until it is told to stop.
    pub async fn run(self, stop: CancellationToken) {
        let [mut measure, mut purge] = [MEASURE_INTERVAL, PURGE_INTERVAL].map(every);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = measure.tick() => self.measure().await,
                _ = purge.tick() => self.purge(&stop).await,
            }
        }
    }

    async fn measure(&self) {
        match self.unfinished().await {
            Ok(unfinished) => self.note_unfinished(&unfinished),
            Err(error) => warn!(error = error_chain(&error), "what waits was not counted"),
        }
        match self.queues.queues().await {
            Ok(depths) => {
                for depth in depths {
                    gauge!(QUEUE_MESSAGES, "queue" => depth.queue).set(depth.messages);
                    gauge!(QUEUE_CONSUMERS, "queue" => depth.queue).set(depth.consumers);
                }
            }
            Err(error) => warn!(error = error_chain(&error), "the queues were not looked at"),
        }
    }

    async fn unfinished(&self) -> Result<Vec<Unfinished>, StoreError> {
        let mut tx = self.database.intake().await?;
        let outcome = EventHousekeeping::unfinished(&mut *tx).await;
        settle(tx, outcome).await
    }

    #[expect(clippy::cast_precision_loss, reason = "a metric is a float, and whole up to 2^53")]
    fn note_unfinished(&self, unfinished: &[Unfinished]) {
        let now = self.clock.now();
        for Unfinished { status, events, oldest } in unfinished {
            if *status == EventStatus::DeadLetter {
                gauge!(DEAD_LETTERS).set(*events as f64);
                continue;
            }
            let age = oldest.and_then(|oldest| (now - oldest).to_std().ok()).unwrap_or(Duration::ZERO);
            gauge!(WAITING, "status" => status.key()).set(*events as f64);
            gauge!(OLDEST_WAITING, "status" => status.key()).set(age.as_secs_f64());
        }
    }

    /// Deletes step by step until nothing is left to delete.
    async fn purge(&self, stop: &CancellationToken) {
        let mut all = Purged::default();
        while !stop.is_cancelled() {
            match self.purge_some().await {
                Ok(purged) => {
                    all.payloads += purged.payloads;
                    all.events += purged.events;
                    if purged.payloads.max(purged.events) < usize::from(CHUNK) {
                        break;
                    }
                }
                Err(error) => {
                    warn!(error = error_chain(&error), "what is old was not deleted");
                    break;
                }
            }
        }
        if all != Purged::default() {
            info!(payloads = all.payloads, events = all.events, "what was kept long enough is deleted");
        }
        for leftover in [Leftover::Tallies, Leftover::KeptAnswers, Leftover::Sessions] {
            self.purge_leftovers(leftover, stop).await;
        }
    }

    /// Forgets what says nothing any more.
    async fn purge_leftovers(&self, leftover: Leftover, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            match self.purge_some_leftovers(leftover).await {
                Ok(purged) if purged < usize::from(CHUNK) => return,
                Ok(_) => {}
                Err(error) => {
                    warn!(error = error_chain(&error), ?leftover, "what says nothing any more was not deleted");
                    return;
                }
            }
        }
    }

    async fn purge_some_leftovers(&self, leftover: Leftover) -> Result<usize, StoreError> {
        let (now, limit) = (self.clock.now(), CHUNK.into());
        let mut tx = self.database.operator().await?;
        let outcome = match leftover {
            Leftover::Tallies => ThrottleRepo::purge_tallies(&mut *tx, now, limit).await,
            Leftover::KeptAnswers => {
                IdempotencyHousekeeping::purge_kept_answers(&mut *tx, now - ANSWERS_KEPT, limit).await
            }
            Leftover::Sessions => SessionHousekeeping::purge_sessions(&mut *tx, now - ENDED_SESSIONS, limit).await,
        };
        settle(tx, outcome).await
    }

    async fn purge_some(&self) -> Result<Purged, StoreError> {
        let mut tx = self.database.intake().await?;
        let outcome = EventHousekeeping::purge(&mut *tx, self.retention, self.clock.now(), CHUNK.into()).await;
        settle(tx, outcome).await
    }
}

impl fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scheduler").field("retention", &self.retention).finish_non_exhaustive()
    }
}
