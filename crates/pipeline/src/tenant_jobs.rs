use std::time::Duration;

use flows::TenantJobRun;
use kernel::{StoreError, error_chain};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::interval::{every, next_tick};

/// A loop over the jobs of all tenants: what it logs.
#[derive(Debug)]
pub(crate) struct TenantJobs {
    pub(crate) interval: Duration,
    /// Steps were committed.
    pub(crate) continued: &'static str,
    /// The step of a tenant was rolled back.
    pub(crate) failed: &'static str,
    /// The tenants with jobs cannot be read.
    pub(crate) unreadable: &'static str,
}

impl TenantJobs {
    /// Runs a round at each tick, and again at once while it leaves something to do, until `stop` is cancelled. What is interrupted
    /// is continued by the next round.
    pub(crate) async fn run<Fut>(&self, stop: &CancellationToken, round: impl Fn() -> Fut)
    where
        Fut: Future<Output = Result<TenantJobRun, StoreError>>,
    {
        let mut tick = every(self.interval);
        while next_tick(&mut tick, stop).await {
            while self.is_unfinished(round().await) && !stop.is_cancelled() {}
        }
    }

    /// Logs what a round did. Returns whether something is left to do.
    fn is_unfinished(&self, round: Result<TenantJobRun, StoreError>) -> bool {
        match round {
            Ok(run) => {
                if run.steps > 0 {
                    info!(steps = run.steps, "{}", self.continued);
                }
                for (tenant, failure) in run.failures {
                    error!(tenant_id = %tenant, error = error_chain(&failure), "{}", self.failed);
                }
                run.is_unfinished
            }
            Err(error) => {
                warn!(error = error_chain(&error), "{}", self.unreadable);
                false
            }
        }
    }
}
