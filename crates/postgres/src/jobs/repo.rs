use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::sql_types::Nullable;
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, Queryable, Selectable, SelectableHelper};
use diesel_async::RunQueryDsl;
use jobs::{Job, JobFilter, JobRepo, JobScheduler, JobState, JobSubject, NewJob, NextState};
use kernel::ids::{JobId, JobRunnerId, TenantId};
use kernel::{Cursor, Page, PageRequest, StoreError};
use uuid::Uuid;

use crate::closed_set::{parse, parse_optional};
use crate::error::OrStoreError;
use crate::keyset::continue_after;
use crate::schema::jobs as table;
use crate::sql::{sql, types};
use crate::transaction::{Platform, Tenant, Tx};

/// What is scheduled while a job runs is kept apart: it makes the job due again after the run.
const SCHEDULE: &str = "
INSERT INTO jobs AS j (tenant_id, id, kind, subject, due_at, created_at) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (tenant_id, kind, subject) DO UPDATE
   SET due_at = CASE WHEN j.state = 'dead' THEN excluded.due_at ELSE least(j.due_at, excluded.due_at) END,
       again_at = CASE WHEN j.holder IS NOT NULL THEN least(j.again_at, excluded.due_at) END,
       attempts = CASE WHEN j.state = 'dead' THEN 0 ELSE j.attempts END,
       state = 'waiting'
 WHERE NOT (j.state = 'dead' AND j.error_class = 'poison')";

const SCHEDULE_MANY: &str = "
INSERT INTO jobs AS j (tenant_id, id, kind, subject, due_at, created_at)
SELECT $1, new.* FROM unnest($2, $3, $4, $5, $6) AS new (id, kind, subject, due_at, created_at)
    ON CONFLICT (tenant_id, kind, subject) DO UPDATE
   SET due_at = CASE WHEN j.state = 'dead' THEN excluded.due_at ELSE least(j.due_at, excluded.due_at) END,
       again_at = CASE WHEN j.holder IS NOT NULL THEN least(j.again_at, excluded.due_at) END,
       attempts = CASE WHEN j.state = 'dead' THEN 0 ELSE j.attempts END,
       state = 'waiting'
 WHERE NOT (j.state = 'dead' AND j.error_class = 'poison')";

const SCHEDULE_IF_ABSENT: &str = "
INSERT INTO jobs (tenant_id, id, kind, subject, due_at, created_at) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (tenant_id, kind, subject) DO NOTHING";

/// A job that was scheduled again while it ran is not finished.
const FINISH: &str = "
DELETE FROM jobs WHERE tenant_id = $1 AND id = $2 AND holder = $3 AND again_at IS NULL";

const WAIT: &str = "
UPDATE jobs
   SET due_at = least(again_at, $4), again_at = NULL, attempts = $5, starts = 0, holder = NULL, leased_until = NULL,
       error_class = $6, last_error = $7
 WHERE tenant_id = $1 AND id = $2 AND holder = $3";

const BURY: &str = "
UPDATE jobs
   SET state = 'dead', again_at = NULL, attempts = $4, starts = 0, holder = NULL, leased_until = NULL, error_class = $5, last_error = $6
 WHERE tenant_id = $1 AND id = $2 AND holder = $3";

const RELEASE: &str = "
UPDATE jobs SET starts = greatest(starts - 1, 0), again_at = NULL, holder = NULL, leased_until = NULL,
       due_at = least(due_at, $4)
 WHERE tenant_id = $1 AND id = $2 AND holder = $3";

const RETRY: &str = "
UPDATE jobs SET state = 'waiting', due_at = $3, attempts = 0, starts = 0
 WHERE tenant_id = $1 AND id = $2 AND state = 'dead'";

const DISCARD: &str = "DELETE FROM jobs WHERE tenant_id = $1 AND id = $2 AND state = 'dead'";

#[derive(Queryable, Selectable)]
#[diesel(table_name = table)]
struct Row {
    id: Uuid,
    kind: String,
    subject: String,
    state: String,
    due_at: DateTime<Utc>,
    attempts: i32,
    starts: i32,
    error_class: Option<String>,
    last_error: Option<String>,
    created_at: DateTime<Utc>,
}

#[async_trait]
impl JobRepo for Tx<Tenant> {
    async fn schedule_job(&mut self, job: &NewJob) -> Result<(), StoreError> {
        let tenant = self.tenant_id();
        insert(self, tenant, SCHEDULE, job).await
    }

    async fn schedule_jobs(&mut self, jobs: &[NewJob]) -> Result<(), StoreError> {
        fn column<'j, T>(jobs: &'j [NewJob], read: impl Fn(&'j NewJob) -> T) -> Vec<T> {
            jobs.iter().map(read).collect()
        }
        let statement = sql(SCHEDULE_MANY)
            .bind::<types::Uuid, _>(self.tenant_id())
            .bind::<types::Uuids, _>(column(jobs, |job| job.id.as_uuid()))
            .bind::<types::Texts, _>(column(jobs, |job| job.kind.into_str()))
            .bind::<types::Texts, _>(column(jobs, |job| job.subject.as_str()))
            .bind::<types::Times, _>(column(jobs, |job| job.due_at))
            .bind::<types::Times, _>(column(jobs, |job| job.created_at));
        self.execute(statement).await?;
        Ok(())
    }

    async fn schedule_job_if_absent(&mut self, job: &NewJob) -> Result<(), StoreError> {
        let tenant = self.tenant_id();
        insert(self, tenant, SCHEDULE_IF_ABSENT, job).await
    }

    async fn settle_job(
        &mut self,
        id: JobId,
        runner: JobRunnerId,
        next: &NextState,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let (tenant, id, runner) = (self.tenant_id(), id.as_uuid(), runner.as_uuid());
        let settled = match next {
            NextState::Finished => {
                let finish = sql(FINISH)
                    .bind::<types::Uuid, _>(tenant)
                    .bind::<types::Uuid, _>(id)
                    .bind::<types::Uuid, _>(runner);
                let finished = self.execute(finish).await?;
                if finished > 0 { finished } else { wait(self, id, runner, now, 0, None).await? }
            }
            NextState::Waiting { due_at, attempts, failure } => {
                let failure = failure.as_ref().map(|failure| (failure.class.into_str(), failure.error.as_str()));
                wait(self, id, runner, *due_at, *attempts, failure).await?
            }
            NextState::Dead { attempts, failure } => {
                let statement = sql(BURY)
                    .bind::<types::Uuid, _>(tenant)
                    .bind::<types::Uuid, _>(id)
                    .bind::<types::Uuid, _>(runner)
                    .bind::<types::Integer, _>(*attempts)
                    .bind::<types::Text, _>(failure.class.into_str())
                    .bind::<types::Text, _>(failure.error.as_str());
                self.execute(statement).await?
            }
        };
        Ok(settled == 1)
    }

    async fn release_job(&mut self, id: JobId, runner: JobRunnerId, now: DateTime<Utc>) -> Result<(), StoreError> {
        let statement = sql(RELEASE)
            .bind::<types::Uuid, _>(self.tenant_id())
            .bind::<types::Uuid, _>(id.as_uuid())
            .bind::<types::Uuid, _>(runner.as_uuid())
            .bind::<types::Timestamptz, _>(now);
        self.execute(statement).await?;
        Ok(())
    }

    async fn jobs(&mut self, filter: JobFilter, page: &PageRequest) -> Result<Page<Job>, StoreError> {
        let mut query = table::table
            .filter(table::tenant_id.eq(self.tenant_id()))
            .order((table::created_at.desc(), table::id.desc()))
            .limit(page.limit.plus_one())
            .select(Row::as_select())
            .into_boxed();
        if let Some(kind) = filter.kind {
            query = query.filter(table::kind.eq(kind.into_str()));
        }
        if let Some(state) = filter.state {
            query = query.filter(table::state.eq(state.into_str()));
        }
        query = continue_after(query, page.after, table::created_at, table::id);
        let rows: Vec<Row> = query.load(self.connection()).await.or_store_error()?;
        let found = rows.into_iter().map(Row::into_job).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::of(found, page.limit, |job| Cursor::new(job.created_at, job.id.as_uuid())))
    }

    async fn job(&mut self, id: JobId) -> Result<Option<Job>, StoreError> {
        let query = table::table
            .filter(table::tenant_id.eq(self.tenant_id()))
            .filter(table::id.eq(id.as_uuid()))
            .select(Row::as_select());
        let row: Option<Row> = query.first(self.connection()).await.optional().or_store_error()?;
        row.map(Row::into_job).transpose()
    }

    async fn retry_job(&mut self, id: JobId, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let statement = sql(RETRY)
            .bind::<types::Uuid, _>(self.tenant_id())
            .bind::<types::Uuid, _>(id.as_uuid())
            .bind::<types::Timestamptz, _>(now);
        Ok(self.execute(statement).await? == 1)
    }

    async fn discard_job(&mut self, id: JobId) -> Result<bool, StoreError> {
        let statement = sql(DISCARD).bind::<types::Uuid, _>(self.tenant_id()).bind::<types::Uuid, _>(id.as_uuid());
        Ok(self.execute(statement).await? == 1)
    }
}

#[async_trait]
impl JobScheduler for Tx<Platform> {
    async fn schedule_job_of_tenant(&mut self, tenant: TenantId, job: &NewJob) -> Result<(), StoreError> {
        insert(self, tenant.as_uuid(), SCHEDULE_IF_ABSENT, job).await
    }
}

async fn insert<Scope: Send>(
    tx: &mut Tx<Scope>,
    tenant: Uuid,
    statement: &'static str,
    job: &NewJob,
) -> Result<(), StoreError> {
    let statement = sql(statement)
        .bind::<types::Uuid, _>(tenant)
        .bind::<types::Uuid, _>(job.id.as_uuid())
        .bind::<types::Text, _>(job.kind.into_str())
        .bind::<types::Text, _>(job.subject.as_str())
        .bind::<types::Timestamptz, _>(job.due_at)
        .bind::<types::Timestamptz, _>(job.created_at);
    tx.execute(statement).await?;
    Ok(())
}

/// `failure`: its class and text.
async fn wait(
    tx: &mut Tx<Tenant>,
    id: Uuid,
    runner: Uuid,
    due_at: DateTime<Utc>,
    attempts: i32,
    failure: Option<(&str, &str)>,
) -> Result<usize, StoreError> {
    let statement = sql(WAIT)
        .bind::<types::Uuid, _>(tx.tenant_id())
        .bind::<types::Uuid, _>(id)
        .bind::<types::Uuid, _>(runner)
        .bind::<types::Timestamptz, _>(due_at)
        .bind::<types::Integer, _>(attempts)
        .bind::<Nullable<types::Text>, _>(failure.map(|(class, _)| class))
        .bind::<Nullable<types::Text>, _>(failure.map(|(_, error)| error));
    tx.execute(statement).await
}

impl Row {
    fn into_job(self) -> Result<Job, StoreError> {
        Ok(Job {
            id: JobId::from_uuid(self.id),
            kind: parse(&self.kind, "jobs.kind")?,
            subject: subject(&self.subject)?,
            state: parse::<JobState>(&self.state, "jobs.state")?,
            due_at: self.due_at,
            attempts: self.attempts,
            starts: self.starts,
            error_class: parse_optional(self.error_class.as_deref(), "jobs.error_class")?,
            last_error: self.last_error,
            created_at: self.created_at,
        })
    }
}

pub(super) fn subject(text: &str) -> Result<JobSubject, StoreError> {
    JobSubject::parse(text).map_err(|_| StoreError::corrupt("jobs.subject"))
}
