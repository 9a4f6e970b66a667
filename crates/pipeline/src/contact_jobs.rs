use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use flows::{Database, continue_contact_jobs};
use kernel::error_chain;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::interval::{every, next_tick};

/// Finishes erasures and merges of contacts with much data. Several may run at once.
#[derive(Clone)]
pub struct ContactJobs {
    pub database: Arc<dyn Database>,
}

const INTERVAL: Duration = Duration::from_secs(1);

impl ContactJobs {
    /// Runs until `stop` is cancelled. What is interrupted is continued by the next run.
    pub async fn run(self, stop: CancellationToken) {
        let mut tick = every(INTERVAL);
        while next_tick(&mut tick, &stop).await {
            while self.run_once().await && !stop.is_cancelled() {}
        }
    }

    /// Returns whether something is left to do.
    async fn run_once(&self) -> bool {
        match continue_contact_jobs(&*self.database).await {
            Ok(run) => {
                if run.steps > 0 {
                    info!(steps = run.steps, "erasures and merges of contacts continued");
                }
                for (tenant, failure) in run.failures {
                    error!(tenant_id = %tenant, error = error_chain(&failure), "erasing or merging a contact failed");
                }
                run.is_unfinished
            }
            Err(error) => {
                warn!(error = error_chain(&error), "reading unfinished erasures and merges failed");
                false
            }
        }
    }
}

impl fmt::Debug for ContactJobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContactJobs").finish_non_exhaustive()
    }
}
