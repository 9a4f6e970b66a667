use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use flows::{Database, renew_old_content};
use kernel::Clock;
use tokio_util::sync::CancellationToken;

use crate::tenant_jobs::TenantJobs;

/// After an upgrade, derives what earlier versions stored again by the rules of this version. Several may run at once.
#[derive(Clone)]
pub struct ContentRenewer {
    pub database: Arc<dyn Database>,
    pub clock: Arc<dyn Clock>,
}

const JOBS: TenantJobs = TenantJobs {
    // Servers of the previous version may still store messages during an upgrade.
    interval: Duration::from_secs(10),
    continued: "messages and names of earlier versions renewed",
    failed: "renewing messages and names failed",
    unreadable: "reading tenants with messages of earlier versions failed",
};

impl ContentRenewer {
    /// Runs until `stop` is cancelled. What is interrupted is continued by the next run.
    pub async fn run(self, stop: CancellationToken) {
        JOBS.run(&stop, || renew_old_content(&*self.database, &*self.clock)).await;
    }
}

impl fmt::Debug for ContentRenewer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContentRenewer").finish_non_exhaustive()
    }
}
