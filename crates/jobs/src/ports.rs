use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use kernel::ids::{JobId, JobRunnerId, TenantId};
use kernel::{Page, PageRequest, StoreError};

use crate::{ClaimedJob, Job, JobKind, JobOrder, JobState, NewJob, NextState};

/// Which jobs a list has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobFilter {
    pub kind: Option<JobKind>,
    pub state: Option<JobState>,
}

/// Jobs of the transaction's tenant.
#[async_trait]
pub trait JobRepo: Send {
    /// Makes the job of this kind and subject due at that time, or earlier if it is due earlier. A dead letter waits again, unless
    /// processes died of it.
    async fn schedule_job(&mut self, job: &NewJob) -> Result<(), StoreError>;
    /// The same for many jobs, each of another kind and subject.
    async fn schedule_jobs(&mut self, jobs: &[NewJob]) -> Result<(), StoreError>;
    /// Like [`JobRepo::schedule_job`], but a job that exists stays as it is.
    async fn schedule_job_if_absent(&mut self, job: &NewJob) -> Result<(), StoreError>;
    /// Records what became of a job that the runner has leased, and ends its lease. What was scheduled since the claim stays due.
    /// Returns false, and changes nothing, if the lease has ended and another runner has the job, or if it was discarded.
    async fn settle_job(
        &mut self,
        id: JobId,
        runner: JobRunnerId,
        next: &NextState,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError>;
    /// Ends the lease of a job that was interrupted because its process stops. It is due at once, and its start does not count.
    async fn release_job(&mut self, id: JobId, runner: JobRunnerId, now: DateTime<Utc>) -> Result<(), StoreError>;
    /// Newest first.
    async fn jobs(&mut self, filter: JobFilter, page: &PageRequest) -> Result<Page<Job>, StoreError>;
    async fn job(&mut self, id: JobId) -> Result<Option<Job>, StoreError>;
    /// Makes a dead letter due, with no failures. Returns false if the job is none.
    async fn retry_job(&mut self, id: JobId, now: DateTime<Utc>) -> Result<bool, StoreError>;
    /// Deletes a dead letter. Returns false if the job is none.
    async fn discard_job(&mut self, id: JobId) -> Result<bool, StoreError>;
}

/// Schedules jobs of any tenant, for operators.
#[async_trait]
pub trait JobScheduler: Send {
    /// A job of this kind and subject that exists stays as it is.
    async fn schedule_job_of_tenant(&mut self, tenant: TenantId, job: &NewJob) -> Result<(), StoreError>;
}

/// Which tenants' jobs a claim looks at, and how many it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobTurn {
    /// Tenants after this one; `None`: from the first one.
    pub after: Option<TenantId>,
    pub tenants: i64,
    pub jobs: i64,
    /// Jobs of one tenant of weight 1 that may be leased at a time.
    pub per_tenant: i64,
}

/// A claim of due jobs of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobClaim {
    pub kind: JobKind,
    pub runner: JobRunnerId,
    pub now: DateTime<Utc>,
    /// The clock of the database alone decides when it ends: those of the runners may differ.
    pub lease: TimeDelta,
    /// A job with so many starts becomes a dead letter instead of being claimed.
    pub max_starts: i32,
    pub order: JobOrder,
    pub turn: JobTurn,
}

/// What a claim took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimedJobs {
    pub jobs: Vec<ClaimedJob>,
    /// Those that became dead letters.
    pub poisoned: Vec<ClaimedJob>,
    /// The last tenant of the turn; `None` if the turn has seen the last tenant.
    pub next: Option<TenantId>,
}

/// How many jobs of a kind there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobCounts {
    pub kind: JobKind,
    /// Due or running.
    pub due: i64,
    /// Since when the one that is due longest is due.
    pub oldest_due: Option<DateTime<Utc>>,
    pub dead: i64,
}

/// Jobs of all tenants, without what went wrong in them.
#[async_trait]
pub trait JobLedger: Send {
    /// Leases due jobs of active tenants: all tenants' first ones before any tenant's second one. A tenant of weight 3 counts as three.
    async fn claim_jobs(&mut self, claim: &JobClaim) -> Result<ClaimedJobs, StoreError>;
    /// Extends the leases of all jobs of the kind that the runner has and that have not ended.
    async fn extend_job_leases(
        &mut self,
        kind: JobKind,
        runner: JobRunnerId,
        lease: TimeDelta,
    ) -> Result<(), StoreError>;
    /// All kinds.
    async fn count_jobs(&mut self, now: DateTime<Utc>) -> Result<Vec<JobCounts>, StoreError>;
}
