use ::jobs::{Job, JobFilter, JobKind, JobRepo, JobScheduler, JobState, JobSubject, NewJob, NextState};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel::ids::{JobId, JobRunnerId, TenantId};
use kernel::{Clock as _, Page, PageRequest, StoreError};

use super::FakeStore;

impl FakeStore {
    pub(crate) fn add_job(&mut self, kind: JobKind, subject: &JobSubject, state: JobState) -> JobId {
        let new = NewJob::new(kind, subject.clone(), self.clock.now(), &*self.clock);
        let id = new.id;
        self.jobs.push(Job { state, attempts: 7, ..job(new) });
        id
    }

    /// Kind and subject of each job.
    pub(crate) fn scheduled(&self) -> Vec<String> {
        self.jobs.iter().map(|job| format!("{} {}", job.kind.into_str(), job.subject)).collect()
    }
}

fn job(new: NewJob) -> Job {
    Job {
        id: new.id,
        kind: new.kind,
        subject: new.subject,
        state: JobState::Waiting,
        due_at: new.due_at,
        attempts: 0,
        starts: 0,
        error_class: None,
        last_error: None,
        created_at: new.created_at,
    }
}

#[async_trait]
impl JobRepo for FakeStore {
    async fn schedule_job(&mut self, new: &NewJob) -> Result<(), StoreError> {
        match self.jobs.iter_mut().find(|job| job.kind == new.kind && job.subject == new.subject) {
            Some(job) => job.due_at = job.due_at.min(new.due_at),
            None => self.jobs.push(job(new.clone())),
        }
        Ok(())
    }

    async fn schedule_jobs(&mut self, jobs: &[NewJob]) -> Result<(), StoreError> {
        for job in jobs {
            self.schedule_job(job).await?;
        }
        Ok(())
    }

    async fn schedule_job_if_absent(&mut self, _: &NewJob) -> Result<(), StoreError> {
        unreachable!("handlers of jobs are tested with a database")
    }

    async fn settle_job(
        &mut self,
        _: JobId,
        _: JobRunnerId,
        _: &NextState,
        _: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        unreachable!("runs of jobs are tested with a database")
    }

    async fn release_job(&mut self, _: JobId, _: JobRunnerId, _: DateTime<Utc>) -> Result<(), StoreError> {
        unreachable!("runs of jobs are tested with a database")
    }

    async fn jobs(&mut self, _: JobFilter, _: &PageRequest) -> Result<Page<Job>, StoreError> {
        unreachable!("the list of jobs is tested with a database")
    }

    async fn job(&mut self, id: JobId) -> Result<Option<Job>, StoreError> {
        Ok(self.jobs.iter().find(|job| job.id == id).cloned())
    }

    async fn retry_job(&mut self, id: JobId, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let dead = self.jobs.iter_mut().find(|job| job.id == id && job.state == JobState::Dead);
        Ok(dead.is_some_and(|job| {
            (job.state, job.attempts, job.due_at) = (JobState::Waiting, 0, now);
            true
        }))
    }

    async fn discard_job(&mut self, id: JobId) -> Result<bool, StoreError> {
        let before = self.jobs.len();
        self.jobs.retain(|job| job.id != id || job.state != JobState::Dead);
        Ok(self.jobs.len() < before)
    }
}

#[async_trait]
impl JobScheduler for FakeStore {
    async fn schedule_job_of_tenant(&mut self, _: TenantId, new: &NewJob) -> Result<(), StoreError> {
        self.schedule_job(new).await
    }
}
