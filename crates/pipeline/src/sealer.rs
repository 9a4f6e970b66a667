use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use flows::{Database, seal_audit_logs};
use kernel::seal::KeyRing;
use kernel::{Clock, error_chain};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::ticks::{comes, every};

/// Seals audit records a moment after they were written. Any number of them may run side by side.
#[derive(Clone)]
pub struct Sealer {
    pub database: Arc<dyn Database>,
    pub ring: Arc<KeyRing>,
    pub clock: Arc<dyn Clock>,
}

/// How long a record waits for its seal.
const INTERVAL: Duration = Duration::from_secs(1);

impl Sealer {
    /// Runs until it is told to stop.
    pub async fn run(self, stop: CancellationToken) {
        let mut tick = every(INTERVAL);
        while comes(&mut tick, &stop).await {
            match seal_audit_logs(&*self.database, &self.ring, &*self.clock).await {
                Ok(0) => {}
                Ok(records) => debug!(records, "audit records are sealed"),
                Err(error) => warn!(error = error_chain(&error), "audit records wait for their seal"),
            }
        }
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").finish_non_exhaustive()
    }
}
