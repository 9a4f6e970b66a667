use std::fmt;
use std::sync::Arc;

use flows::{Database, settle};
use inbound::{ErrorClass, EventConsumer, EventLedger, QueueMessage};
use kernel::ids::EventId;
use kernel::{Clock, StoreError};
use metrics::counter;
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::backoff::retry_until_stopped;
use crate::metrics::{DEAD_LETTERED, EVENTS};

/// Consumes the dead letter queue, and records the dead letters that no worker has recorded: those whose messages exceeded the
/// delivery limit of the broker, and whose workers died. Events that were only delivered beside those are due again. All other messages of this queue were rejected by a worker, whose transaction made the event a
/// dead letter before. Operators and users work with the table, not with the queue.
#[derive(Clone)]
pub struct DeadLetterRecorder {
    pub database: Arc<dyn Database>,
    pub clock: Arc<dyn Clock>,
}

const BATCH: usize = 50;

impl DeadLetterRecorder {
    /// Runs until `stop` is cancelled.
    pub async fn run(self, mut consumer: Box<dyn EventConsumer>, stop: CancellationToken) {
        loop {
            let messages = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                messages = consumer.receive(BATCH) => messages,
            };
            if retry_until_stopped(|| self.record(&messages), &stop).await.is_none() {
                return;
            }
            consumer.acknowledge(&messages).await;
        }
    }

    async fn record(&self, messages: &[QueueMessage]) -> Result<(), StoreError> {
        let events: Vec<EventId> = messages.iter().map(|message| message.event).collect();
        let mut tx = self.database.intake().await?;
        let outcome = EventLedger::dead_letter_abandoned(&mut *tx, &events, self.clock.now()).await;
        let dead_letters = settle(tx, outcome).await?;
        for event in dead_letters {
            let (attempt, kind) = (event.attempts, event.kind.label());
            let (tenant_id, trace_id) = (event.tenant.map(|tenant| tenant.to_string()), event.trace_id());
            error!(event_id = %event.id, tenant_id, trace_id, attempt, kind, "event dead-lettered: the broker gave up delivering it");
            counter!(EVENTS, "kind" => kind, "outcome" => "dead_letter").increment(1);
            counter!(DEAD_LETTERED, "kind" => kind, "reason" => ErrorClass::Poison.into_str()).increment(1);
        }
        Ok(())
    }
}

impl fmt::Debug for DeadLetterRecorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadLetterRecorder").finish_non_exhaustive()
    }
}
