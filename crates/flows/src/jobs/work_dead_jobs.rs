use audit::{Action, AuditRepo, Reason, Record, RequestOrigin, target};
use jobs::{Job, JobFilter, JobRepo};
use kernel::ids::JobId;
use kernel::{Authorization, Clock, EventsRead, EventsReplay, Page, PageRequest, Permit, StoreError};

/// What retrying and discarding jobs needs.
pub trait JobTx: JobRepo + AuditRepo {}

impl<T: JobRepo + AuditRepo + ?Sized> JobTx for T {}

#[derive(Debug, thiserror::Error)]
pub enum DeadJobError {
    #[error("the job does not exist")]
    NotFound,
    #[error("the job is not a dead letter")]
    NotDeadLetter,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The tenant's jobs, newest first.
///
/// # Errors
/// [`StoreError`].
pub async fn jobs(
    _permit: Permit<EventsRead>,
    repo: &mut dyn JobRepo,
    filter: JobFilter,
    page: &PageRequest,
) -> Result<Page<Job>, StoreError> {
    repo.jobs(filter, page).await
}

/// Makes a dead letter due, with no failures. Returns the job as it is now.
///
/// # Errors
/// [`DeadJobError`].
pub async fn retry_job(
    by: Authorization<EventsReplay>,
    tx: &mut dyn JobTx,
    id: JobId,
    reason: &Reason,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<Job, DeadJobError> {
    let retried = tx.retry_job(id, clock.now()).await?;
    let job = tx.job(id).await?.ok_or(DeadJobError::NotFound)?;
    if !retried {
        return Err(DeadJobError::NotDeadLetter);
    }
    let record = Record::new((&by).into(), origin, Action::JobRetried, clock);
    tx.append_audit_record(&about(record, &job, reason)).await?;
    Ok(job)
}

/// Deletes a dead letter. What it was about is not done, until something schedules it anew.
///
/// # Errors
/// [`DeadJobError`].
pub async fn discard_job(
    by: Authorization<EventsReplay>,
    tx: &mut dyn JobTx,
    id: JobId,
    reason: &Reason,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<(), DeadJobError> {
    let job = tx.job(id).await?.ok_or(DeadJobError::NotFound)?;
    if !tx.discard_job(id).await? {
        return Err(DeadJobError::NotDeadLetter);
    }
    let record = Record::new((&by).into(), origin, Action::JobDiscarded, clock);
    tx.append_audit_record(&about(record, &job, reason)).await?;
    Ok(())
}

fn about(record: Record, job: &Job, reason: &Reason) -> Record {
    record
        .about(target::JOB, &job.id)
        .with("reason", reason.as_str())
        .with("kind", job.kind.into_str())
        .with("subject", job.subject.as_str())
}

#[cfg(test)]
mod tests {
    use jobs::{JobKind, JobState, JobSubject};

    use super::*;
    use crate::fake::{FakeStore, changes, origin, run};

    fn reason() -> Reason {
        Reason::parse("Meta is back").unwrap()
    }

    fn with_job(state: JobState) -> (FakeStore, JobId) {
        let mut store = FakeStore::new();
        let id = store.add_job(JobKind::TemplateSync, &JobSubject::parse("900").unwrap(), state);
        (store, id)
    }

    fn retry(store: &mut FakeStore, id: JobId) -> Result<Job, DeadJobError> {
        let (permit, clock) = (store.permit(), store.clock.clone());
        run(retry_job(permit.into(), store, id, &reason(), origin(), &*clock))
    }

    fn discard(store: &mut FakeStore, id: JobId) -> Result<(), DeadJobError> {
        let (permit, clock) = (store.permit(), store.clock.clone());
        run(discard_job(permit.into(), store, id, &reason(), origin(), &*clock))
    }

    #[test]
    fn retried_job_waits_and_is_audited() {
        let (mut store, id) = with_job(JobState::Dead);
        let job = retry(&mut store, id).unwrap();
        assert_eq!((job.state, job.attempts, job.due_at), (JobState::Waiting, 0, store.clock.now()));
        assert_eq!(store.audited(), [Action::JobRetried]);
        let expected = [r#"kind="template_sync""#, r#"reason="Meta is back""#, r#"subject="900""#];
        assert_eq!(changes(&store.audit_log[0]), expected);
    }

    #[test]
    fn discarded_job_is_deleted_and_audited() {
        let (mut store, id) = with_job(JobState::Dead);
        discard(&mut store, id).unwrap();
        assert!(store.jobs.is_empty());
        assert_eq!(store.audited(), [Action::JobDiscarded]);
        assert!(matches!(discard(&mut store, id), Err(DeadJobError::NotFound)));
    }

    #[test]
    fn job_that_is_no_dead_letter_is_left_alone() {
        let (mut store, id) = with_job(JobState::Waiting);
        assert!(matches!(retry(&mut store, id), Err(DeadJobError::NotDeadLetter)));
        assert!(matches!(discard(&mut store, id), Err(DeadJobError::NotDeadLetter)));
        assert!(store.audit_log.is_empty() && store.jobs.len() == 1);
    }

    #[test]
    fn missing_job_is_neither_retried_nor_discarded() {
        let (mut store, _) = with_job(JobState::Dead);
        let missing = JobId::new(&*store.clock);
        assert!(matches!(retry(&mut store, missing), Err(DeadJobError::NotFound)));
        assert!(matches!(discard(&mut store, missing), Err(DeadJobError::NotFound)));
        assert!(store.audit_log.is_empty());
    }
}
