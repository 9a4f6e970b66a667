use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use flows::{Database, seal_audit_logs};
use kernel::seal::KeyRing;
use kernel::{Clock, error_chain};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::interval::{every, next_tick};

/// Seals audit records soon after they were written. Several may run at once.
#[derive(Clone)]
pub struct AuditSealer {
    pub database: Arc<dyn Database>,
    pub ring: Arc<KeyRing>,
    pub clock: Arc<dyn Clock>,
}

/// The longest time that a record is unsealed.
const INTERVAL: Duration = Duration::from_secs(1);

impl AuditSealer {
    /// Runs until `stop` is cancelled.
    pub async fn run(self, stop: CancellationToken) {
        let mut tick = every(INTERVAL);
        while next_tick(&mut tick, &stop).await {
            match seal_audit_logs(&*self.database, &self.ring, &*self.clock).await {
                Ok(0) => {}
                Ok(records) => debug!(records, "audit records sealed"),
                Err(error) => warn!(error = error_chain(&error), "sealing audit records failed"),
            }
        }
    }
}

impl fmt::Debug for AuditSealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditSealer").finish_non_exhaustive()
    }
}
