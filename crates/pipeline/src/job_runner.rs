//! The job runner: claims due jobs of all kinds, runs their handlers, and records the outcomes.

mod run;
mod slots;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use flows::{Database, JobHandler, settle};
use jobs::{ClaimedJobs, JobClaim, JobKind, JobLedger, JobTurn};
use kernel::ids::{JobRunnerId, TenantId};
use kernel::{Clock, Entropy, StoreError, error_chain};
use metrics::counter;
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::metrics::JOBS;
use run::Run;
use slots::Slots;

/// Runs durable work. Any number of runners may run: each job has one of them at a time.
#[derive(Clone)]
pub struct JobRunner {
    pub database: Arc<dyn Database>,
    /// One for each kind.
    pub handlers: Vec<Arc<dyn JobHandler>>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    /// Wakes the runner when a job was scheduled that is due. It looks by itself each second.
    pub bell: Arc<Notify>,
}

const SWEEP_INTERVAL: Duration = Duration::from_secs(1);
/// A third of the shortest lease, or less.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(3);
/// Tenants that one claim looks at.
const TENANTS: i64 = 1_000;
/// How long running jobs may take to end when the process stops.
const STOP_GRACE: Duration = Duration::from_secs(5);

impl JobRunner {
    /// Runs until `stop` is cancelled, then lets running jobs end for some seconds, and releases the rest.
    pub async fn run(self, stop: CancellationToken) {
        let (runner, abandon) = (JobRunnerId::new(&*self.clock), CancellationToken::new());
        let mut slots = Slots::default();
        let mut renewed = Instant::now();
        while !stop.is_cancelled() {
            self.fill(&mut slots, runner, &abandon).await;
            if renewed.elapsed() >= RENEWAL_INTERVAL {
                renewed = Instant::now();
                self.extend_leases(&slots, runner).await;
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.bell.notified() => {}
                () = slots.one_ended() => {}
                () = tokio::time::sleep(SWEEP_INTERVAL) => {}
            }
        }
        if timeout(STOP_GRACE, slots.all_ended()).await.is_err() {
            abandon.cancel();
            slots.all_ended().await;
        }
    }

    /// Runs what is due now, and what becomes due by it, to its end. Returns how many runs there were.
    pub async fn run_due(&self) -> usize {
        let (runner, abandon) = (JobRunnerId::new(&*self.clock), CancellationToken::new());
        let (mut slots, mut runs) = (Slots::default(), 0);
        loop {
            let started = self.fill(&mut slots, runner, &abandon).await;
            if started == 0 && slots.is_empty() {
                return runs;
            }
            runs += started;
            slots.one_ended().await;
        }
    }

    /// Claims jobs for the free slots, and starts them. Returns how many.
    async fn fill(&self, slots: &mut Slots, runner: JobRunnerId, abandon: &CancellationToken) -> usize {
        let mut started = 0;
        for handler in &self.handlers {
            let kind = handler.kind();
            let free = slots.free(kind);
            if free == 0 {
                continue;
            }
            let claimed = match self.claim_round(kind, runner, slots.next(kind), free).await {
                Ok(claimed) => claimed,
                Err(error) => {
                    warn!(kind = kind.into_str(), error = error_chain(&error), "claiming jobs failed; retrying");
                    continue;
                }
            };
            slots.set_next(kind, claimed.next);
            for job in &claimed.poisoned {
                counter!(JOBS, "kind" => kind.into_str(), "outcome" => "poison").increment(1);
                error!(
                    tenant_id = %job.tenant, kind = kind.into_str(), subject = %job.subject,
                    "job dead-lettered: its processes died each time"
                );
            }
            started += claimed.jobs.len();
            for job in claimed.jobs {
                let run = Run {
                    database: Arc::clone(&self.database),
                    handler: Arc::clone(handler),
                    clock: Arc::clone(&self.clock),
                    entropy: Arc::clone(&self.entropy),
                    runner,
                    job,
                };
                slots.start(kind, run.execute(abandon.clone()));
            }
        }
        started
    }

    /// Looks at the tenants in turn, until there are jobs or all tenants were seen.
    async fn claim_round(
        &self,
        kind: JobKind,
        runner: JobRunnerId,
        from: Option<TenantId>,
        free: usize,
    ) -> Result<ClaimedJobs, StoreError> {
        let mut claimed = self.claim(kind, runner, from, free).await?;
        let mut is_round_complete = from.is_none() && claimed.next.is_none();
        let mut wrapped = false;
        while claimed.jobs.is_empty() && claimed.poisoned.is_empty() && !is_round_complete {
            let after = claimed.next;
            wrapped |= after.is_none();
            claimed = self.claim(kind, runner, after, free).await?;
            is_round_complete = wrapped && (claimed.next.is_none() || claimed.next >= from);
        }
        Ok(claimed)
    }

    async fn claim(
        &self,
        kind: JobKind,
        runner: JobRunnerId,
        after: Option<TenantId>,
        free: usize,
    ) -> Result<ClaimedJobs, StoreError> {
        let policy = kind.policy();
        let jobs = i64::try_from(free).unwrap_or(i64::MAX);
        let claim = JobClaim {
            kind,
            runner,
            now: self.clock.now(),
            lease: policy.lease,
            max_starts: policy.max_starts,
            order: policy.order,
            turn: JobTurn { after, tenants: TENANTS, jobs, per_tenant: policy.concurrent_per_tenant },
        };
        let mut tx = self.database.directory().await?;
        let claimed = JobLedger::claim_jobs(&mut *tx, &claim).await;
        settle(tx, claimed).await
    }

    async fn extend_leases(&self, slots: &Slots, runner: JobRunnerId) {
        for kind in slots.busy() {
            if let Err(error) = self.extend_leases_of(kind, runner).await {
                warn!(kind = kind.into_str(), error = error_chain(&error), "extending leases of jobs failed; retrying");
            }
        }
    }

    async fn extend_leases_of(&self, kind: JobKind, runner: JobRunnerId) -> Result<(), StoreError> {
        let mut tx = self.database.directory().await?;
        let extended = JobLedger::extend_job_leases(&mut *tx, kind, runner, kind.policy().lease).await;
        settle(tx, extended).await
    }
}

impl fmt::Debug for JobRunner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobRunner").finish_non_exhaustive()
    }
}
