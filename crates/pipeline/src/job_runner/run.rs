use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use flows::{Database, JobHandler, settle};
use futures_util::FutureExt as _;
use jobs::{ClaimedJob, JobOutcome, NextState, next_state};
use kernel::ids::JobRunnerId;
use kernel::{Clock, Entropy, ErrorClass, StoreError, TenantScope, error_chain};
use metrics::counter;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use crate::backoff::Backoff;
use crate::failpoint;
use crate::metrics::JOBS;

/// One run of a job.
pub(super) struct Run {
    pub(super) database: Arc<dyn Database>,
    pub(super) handler: Arc<dyn JobHandler>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) runner: JobRunnerId,
    pub(super) job: ClaimedJob,
}

/// Attempts to record an outcome before the job is left to its lease.
const MAX_RECORDINGS: usize = 5;

impl Run {
    /// Runs the handler until its deadline, and records the outcome. Releases the job when `abandon` is cancelled.
    pub(super) async fn execute(self, abandon: CancellationToken) {
        let scope = self.scope();
        let outcome = tokio::select! {
            outcome = self.outcome(&scope) => outcome,
            () = abandon.cancelled() => return self.release(&scope).await,
        };
        failpoint::die_at("job.before_outcome");
        let mut random = [0];
        // Without randomness, what failed together is retried together.
        let _ = self.entropy.fill(&mut random);
        let policy = self.job.kind.policy();
        let next = next_state(outcome, &policy, self.job.attempts, self.clock.now(), random[0]);
        self.record(&scope, &next, &abandon).await;
    }

    async fn outcome(&self, scope: &TenantScope) -> JobOutcome {
        failpoint::die_at("job.started");
        let deadline = self.job.kind.policy().deadline.to_std().unwrap_or(Duration::MAX);
        let run = AssertUnwindSafe(self.handler.run(scope, &self.job.subject)).catch_unwind();
        match timeout(deadline, run).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => JobOutcome::retry(ErrorClass::Transient, "the job failed unexpectedly"),
            Err(_) => JobOutcome::retry(ErrorClass::Timeout, "the job took too long"),
        }
    }

    async fn record(&self, scope: &TenantScope, next: &NextState, abandon: &CancellationToken) {
        let mut backoff = Backoff::new();
        for _ in 0..MAX_RECORDINGS {
            match self.settle(scope, next).await {
                Ok(true) => return self.report(next),
                Ok(false) => {
                    counter!(JOBS, "kind" => self.kind(), "outcome" => "lost").increment(1);
                    warn!(
                        tenant_id = %self.job.tenant, kind = self.kind(), subject = %self.job.subject,
                        "job lost to another runner, or discarded; its outcome is not recorded"
                    );
                    return;
                }
                Err(error) => warn!(error = error_chain(&error), "recording the outcome of a job failed; retrying"),
            }
            backoff.pause(abandon).await;
        }
        error!(
            tenant_id = %self.job.tenant, kind = self.kind(), subject = %self.job.subject,
            "the outcome of a job was not recorded; it runs again when its lease has ended"
        );
    }

    async fn settle(&self, scope: &TenantScope, next: &NextState) -> Result<bool, StoreError> {
        let mut tx = self.database.tenant(scope).await?;
        let settled = tx.settle_job(self.job.id, self.runner, next, self.clock.now()).await;
        settle(tx, settled).await
    }

    fn report(&self, next: &NextState) {
        counter!(JOBS, "kind" => self.kind(), "outcome" => next.label()).increment(1);
        let (tenant, kind, subject) = (self.job.tenant, self.kind(), &self.job.subject);
        match next {
            NextState::Finished | NextState::Waiting { failure: None, .. } => {
                debug!(tenant_id = %tenant, kind, %subject, "job done");
            }
            NextState::Waiting { failure: Some(failure), due_at, attempts } => {
                let error_class = failure.class.into_str();
                info!(tenant_id = %tenant, kind, %subject, error_class, attempts, %due_at, "job failed; it is retried");
            }
            NextState::Dead { failure, attempts } => {
                let error_class = failure.class.into_str();
                error!(tenant_id = %tenant, kind, %subject, error_class, attempts, "job dead-lettered");
            }
        }
    }

    async fn release(&self, scope: &TenantScope) {
        let released = async {
            let mut tx = self.database.tenant(scope).await?;
            let released = tx.release_job(self.job.id, self.runner, self.clock.now()).await;
            settle::<_, _, StoreError>(tx, released).await
        };
        if let Err(error) = released.await {
            warn!(error = error_chain(&error), "releasing a job failed; it runs again when its lease has ended");
        }
    }

    fn kind(&self) -> &'static str {
        self.job.kind.into_str()
    }

    #[expect(clippy::disallowed_methods, reason = "the ledger names the tenant of the claimed job")]
    fn scope(&self) -> TenantScope {
        TenantScope::mint(self.job.tenant)
    }
}
