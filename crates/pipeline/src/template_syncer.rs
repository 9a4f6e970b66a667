use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use flows::{Database, TemplateSyncRun, sync_due_templates};
use kernel::seal::KeyRing;
use kernel::{Clock, StoreError, error_chain};
use metrics::counter;
use outbound::TemplateApi;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::interval::{every, next_tick};
use crate::metrics::TEMPLATE_SYNCS;

/// Reads the templates of each business account from Meta once a day, and when an event of Meta's has requested it. Several may run at
/// once.
#[derive(Clone)]
pub struct TemplateSyncer {
    pub database: Arc<dyn Database>,
    pub api: Arc<dyn TemplateApi>,
    pub ring: Arc<KeyRing>,
    pub clock: Arc<dyn Clock>,
}

const INTERVAL: Duration = Duration::from_secs(20);

impl TemplateSyncer {
    /// Runs until `stop` is cancelled. A sync that is interrupted is due again in an hour.
    pub async fn run(self, stop: CancellationToken) {
        let mut tick = every(INTERVAL);
        while next_tick(&mut tick, &stop).await {
            loop {
                let round = sync_due_templates(&*self.database, &*self.api, &self.ring, &*self.clock);
                let round = tokio::select! {
                    () = stop.cancelled() => return,
                    round = round => round,
                };
                if !is_unfinished(round) {
                    break;
                }
            }
        }
    }
}

/// Logs and counts what a round did. Returns whether something is left to do.
fn is_unfinished(round: Result<TemplateSyncRun, StoreError>) -> bool {
    let run = match round {
        Ok(run) => run,
        Err(error) => {
            warn!(error = error_chain(&error), "reading tenants with due template syncs failed");
            return false;
        }
    };
    let (synced, refused) = (run.synced, run.refused);
    if synced + refused > 0 {
        info!(synced, refused, "templates of business accounts read");
    }
    for (outcome, count) in [("synced", synced), ("refused", refused), ("failed", run.failures.len())] {
        counter!(TEMPLATE_SYNCS, "outcome" => outcome).increment(count.try_into().unwrap_or(u64::MAX));
    }
    for (tenant, failure) in &run.failures {
        warn!(tenant_id = %tenant, error = error_chain(failure), "reading the templates of a business account failed");
    }
    run.is_unfinished
}

impl fmt::Debug for TemplateSyncer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TemplateSyncer").finish_non_exhaustive()
    }
}
