use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use flows::{Database, continue_contact_jobs};
use tokio_util::sync::CancellationToken;

use crate::tenant_jobs::TenantJobs;

/// Finishes erasures and merges of contacts with much data. Several may run at once.
#[derive(Clone)]
pub struct ContactJobs {
    pub database: Arc<dyn Database>,
}

const JOBS: TenantJobs = TenantJobs {
    interval: Duration::from_secs(1),
    continued: "erasures and merges of contacts continued",
    failed: "erasing or merging a contact failed",
    unreadable: "reading unfinished erasures and merges failed",
};

impl ContactJobs {
    /// Runs until `stop` is cancelled. What is interrupted is continued by the next run.
    pub async fn run(self, stop: CancellationToken) {
        JOBS.run(&stop, || continue_contact_jobs(&*self.database)).await;
    }
}

impl fmt::Debug for ContactJobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContactJobs").finish_non_exhaustive()
    }
}
