use std::fmt;
use std::sync::Arc;

use flows::{Database, settle};
use inbound::{Delivery, ErrorClass, EventLedger, EventSource};
use kernel::ids::EventId;
use kernel::{Clock, StoreError, error_chain};
use metrics::counter;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::backoff::Backoff;
use crate::metrics::{DEAD_LETTERED, EVENTS};

/// Empties the queue of dead letters. Most of them are dead letters in the database already; the broker gives up on
/// deliveries by itself, too, and then this is where it is written down. The list that people work with is the table.
#[derive(Clone)]
pub struct Recorder {
    pub database: Arc<dyn Database>,
    pub clock: Arc<dyn Clock>,
}

const BATCH: usize = 50;

impl Recorder {
    /// Runs until it is told to stop.
    pub async fn run(self, mut source: Box<dyn EventSource>, stop: CancellationToken) {
        let mut backoff = Backoff::new();
        loop {
            let deliveries = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                deliveries = source.receive(BATCH) => deliveries,
            };
            while let Err(error) = self.record(&deliveries).await {
                warn!(error = error_chain(&error), "the recorder waits for the database");
                backoff.pause(&stop).await;
                if stop.is_cancelled() {
                    return;
                }
            }
            backoff.reset();
            source.acknowledge(&deliveries).await;
        }
    }

    async fn record(&self, deliveries: &[Delivery]) -> Result<(), StoreError> {
        let events: Vec<EventId> = deliveries.iter().map(|delivery| delivery.event).collect();
        let mut tx = self.database.intake().await?;
        let outcome = EventLedger::bury_abandoned(&mut *tx, &events, self.clock.now()).await;
        let buried = settle(tx, outcome).await?;
        for event in buried {
            let (attempt, kind) = (event.attempts, event.kind.label());
            let (tenant_id, trace_id) = (event.tenant.map(|tenant| tenant.to_string()), event.trace_id());
            error!(event_id = %event.id, tenant_id, trace_id, attempt, kind, "the broker gave up on the event; it is a dead letter now");
            counter!(EVENTS, "kind" => kind, "outcome" => "dead_letter").increment(1);
            counter!(DEAD_LETTERED, "kind" => kind, "reason" => ErrorClass::Poison.key()).increment(1);
        }
        Ok(())
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").finish_non_exhaustive()
    }
}
