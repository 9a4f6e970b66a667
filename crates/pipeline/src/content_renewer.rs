use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use flows::{Database, renew_old_content};
use kernel::{Clock, error_chain};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::interval::{every, next_tick};

/// After an upgrade, derives what earlier versions stored again by the rules of this version. Several may run at once.
#[derive(Clone)]
pub struct ContentRenewer {
    pub database: Arc<dyn Database>,
    pub clock: Arc<dyn Clock>,
}

/// Servers of the previous version may still store messages during an upgrade.
const INTERVAL: Duration = Duration::from_secs(10);

impl ContentRenewer {
    /// Runs until `stop` is cancelled. What is interrupted is continued by the next run.
    pub async fn run(self, stop: CancellationToken) {
        let mut tick = every(INTERVAL);
        while next_tick(&mut tick, &stop).await {
            while self.run_once().await && !stop.is_cancelled() {}
        }
    }

    /// Returns whether something is left to do.
    async fn run_once(&self) -> bool {
        match renew_old_content(&*self.database, &*self.clock).await {
            Ok(run) => {
                if run.steps > 0 {
                    info!(steps = run.steps, "messages and names of earlier versions renewed");
                }
                for (tenant, failure) in run.failures {
                    error!(tenant_id = %tenant, error = error_chain(&failure), "renewing messages and names failed");
                }
                run.is_unfinished
            }
            Err(error) => {
                warn!(error = error_chain(&error), "reading tenants with messages of earlier versions failed");
                false
            }
        }
    }
}

impl fmt::Debug for ContentRenewer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContentRenewer").finish_non_exhaustive()
    }
}
