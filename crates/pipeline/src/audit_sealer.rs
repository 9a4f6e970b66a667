use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use audit::{Log, Provenance, SealedRecords};
use flows::{Database, SealingRun, seal_audit_logs};
use kernel::seal::KeyRing;
use kernel::{Clock, error_chain};
use metrics::counter;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};

use crate::interval::{every, next_tick};
use crate::metrics::{AUDIT_FAILURES, AUDIT_SEALED};

/// Seals audit records soon after they were written, and reports forged ones. Several may run at once.
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
            report(&seal_audit_logs(&*self.database, &self.ring, &*self.clock).await);
        }
    }
}

fn report(run: &SealingRun) {
    let SealedRecords { signed, unsigned, forged } = run.sealed;
    for (provenance, records) in
        [(Provenance::Signed, signed), (Provenance::Unsigned, unsigned), (Provenance::Forged, forged)]
    {
        counter!(AUDIT_SEALED, "provenance" => provenance.into_str()).increment(records as u64);
    }
    if run.sealed.total() > 0 {
        debug!(signed, unsigned, forged, "audit records sealed");
    }
    for (log, records) in &run.forged {
        let tenant_id = tenant_id(*log);
        error!(tenant_id, records, "forged audit records found");
    }
    counter!(AUDIT_FAILURES).increment(run.failures.len() as u64);
    for (log, failure) in &run.failures {
        let tenant_id = log.map_or_else(String::new, tenant_id);
        warn!(tenant_id, error = error_chain(failure), "sealing audit records failed");
    }
}

/// Empty for the operators' log.
pub(crate) fn tenant_id(log: Log) -> String {
    match log {
        Log::Tenant(tenant) => tenant.to_string(),
        Log::Platform => String::new(),
    }
}

impl fmt::Debug for AuditSealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditSealer").finish_non_exhaustive()
    }
}
