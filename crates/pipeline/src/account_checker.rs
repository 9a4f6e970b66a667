use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use channels::AccountApi;
use flows::{AccountCheckRun, Database, check_due_accounts};
use kernel::seal::KeyRing;
use kernel::{Clock, StoreError, error_chain};
use metrics::counter;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::interval::{every, next_tick};
use crate::metrics::ACCOUNT_CHECKS;

/// Asks Meta once a day about each account with an access token. Several may run at once.
#[derive(Clone)]
pub struct AccountChecker {
    pub database: Arc<dyn Database>,
    pub api: Arc<dyn AccountApi>,
    pub ring: Arc<KeyRing>,
    pub clock: Arc<dyn Clock>,
}

const INTERVAL: Duration = Duration::from_mins(1);

impl AccountChecker {
    /// Runs until `stop` is cancelled. A check that is interrupted is due again in an hour.
    pub async fn run(self, stop: CancellationToken) {
        let mut tick = every(INTERVAL);
        while next_tick(&mut tick, &stop).await {
            loop {
                let round = check_due_accounts(&*self.database, &*self.api, &self.ring, &*self.clock);
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
fn is_unfinished(round: Result<AccountCheckRun, StoreError>) -> bool {
    let run = match round {
        Ok(run) => run,
        Err(error) => {
            warn!(error = error_chain(&error), "reading tenants with due account checks failed");
            return false;
        }
    };
    let (healthy, with_problems, silent) = (run.healthy, run.with_problems, run.silent);
    if healthy + with_problems + silent > 0 {
        info!(healthy, with_problems, silent, "WhatsApp accounts checked");
    }
    let outcomes =
        [("healthy", healthy), ("problems", with_problems), ("silent", silent), ("failed", run.failures.len())];
    for (outcome, count) in outcomes {
        counter!(ACCOUNT_CHECKS, "outcome" => outcome).increment(count.try_into().unwrap_or(u64::MAX));
    }
    for (tenant, failure) in &run.failures {
        warn!(tenant_id = %tenant, error = error_chain(failure), "checking a WhatsApp account failed");
    }
    run.is_unfinished
}

impl fmt::Debug for AccountChecker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountChecker").finish_non_exhaustive()
    }
}
