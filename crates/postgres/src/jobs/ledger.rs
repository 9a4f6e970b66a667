//! Claiming due jobs, tenants in turn.

use std::sync::LazyLock;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::sql_types::Nullable;
use diesel_async::RunQueryDsl;
use jobs::{ClaimedJob, ClaimedJobs, JobClaim, JobCounts, JobKind, JobLedger, JobOrder};
use kernel::StoreError;
use kernel::ids::{JobId, JobRunnerId, TenantId};
use uuid::Uuid;

use super::repo::subject;
use crate::error::OrStoreError;
use crate::sql::{Prepared, boxed_sql, sql, types};
use crate::transaction::{Platform, Tx};

/// Steps from tenant to tenant through an index if anything is due, and takes of each what it may run beside what it runs. All tenants'
/// first jobs are claimed before any tenant's second one; a tenant of weight 3 counts as three tenants.
///
/// A runner that has not noticed that its lease has ended does not get the same job twice.
/// `rank` is the order of a tenant's due jobs.
const CLAIM: &str = "
WITH RECURSIVE turn (tenant_id, place) AS (
  (SELECT tenant_id, 1 FROM jobs
    WHERE kind = $1 AND state = 'waiting' AND tenant_id > $2
      AND EXISTS (SELECT FROM jobs d JOIN tenants a ON a.id = d.tenant_id AND a.status = 'active'
                   WHERE d.kind = $1 AND d.state = 'waiting' AND d.due_at <= $6
                     AND (d.holder IS NULL OR d.leased_until <= statement_timestamp()))
    ORDER BY tenant_id LIMIT 1)
   UNION ALL
  SELECT next.tenant_id, t.place + 1
    FROM turn t
   CROSS JOIN LATERAL (SELECT tenant_id FROM jobs WHERE kind = $1 AND state = 'waiting' AND tenant_id > t.tenant_id
                        ORDER BY tenant_id LIMIT 1) next
   WHERE t.place < $3
), rooms AS (
  SELECT t.tenant_id, w.weight,
         $4 * w.weight - (SELECT count(*) FROM jobs l WHERE l.kind = $1 AND l.tenant_id = t.tenant_id AND l.holder IS NOT NULL
                                                        AND l.leased_until > statement_timestamp()) AS room
    FROM turn t
    JOIN tenants w ON w.id = t.tenant_id AND w.status = 'active'
), candidates AS (
  SELECT r.tenant_id, due.id, (due.number - 1) / r.weight AS round, due.rank
    FROM rooms r
   CROSS JOIN LATERAL (
     SELECT j.id, j.rank, row_number() OVER (ORDER BY j.rank, j.id) AS number
       FROM (SELECT id, due_at AS rank FROM jobs
              WHERE kind = $1 AND state = 'waiting' AND tenant_id = r.tenant_id AND due_at <= $6
                AND (holder IS NULL OR leased_until <= statement_timestamp() AND holder <> $7)
              ORDER BY rank, id LIMIT greatest(least(r.room, $5), 0)) j
   ) due
  ORDER BY round, due.rank, due.id
  LIMIT $5
), locked AS (
  SELECT j.tenant_id, j.id, j.starts FROM jobs j JOIN candidates c ON c.tenant_id = j.tenant_id AND c.id = j.id
   WHERE j.state = 'waiting' AND j.due_at <= $6
     AND (j.holder IS NULL OR j.leased_until <= statement_timestamp() AND j.holder <> $7)
     FOR UPDATE OF j SKIP LOCKED
), claimed AS (
  UPDATE jobs j
     SET holder = $7, leased_until = statement_timestamp() + $8, starts = l.starts + 1,
         again_at = CASE WHEN j.again_at > $6 THEN j.again_at END
    FROM locked l
   WHERE j.tenant_id = l.tenant_id AND j.id = l.id AND l.starts < $9
  RETURNING j.tenant_id, j.id, j.subject, j.attempts, false AS poisoned
), poisoned AS (
  UPDATE jobs j
     SET state = 'dead', holder = NULL, leased_until = NULL, again_at = NULL, error_class = 'poison',
         last_error = 'the process died, or lost the job, each time the job was run'
    FROM locked l
   WHERE j.tenant_id = l.tenant_id AND j.id = l.id AND l.starts >= $9
  RETURNING j.tenant_id, j.id, j.subject, j.attempts, true AS poisoned
)
SELECT last.tenant_id AS last, c.tenant_id, c.id, c.subject, c.attempts, c.poisoned
  FROM (SELECT (SELECT tenant_id FROM turn WHERE place = $3) AS tenant_id) last
  LEFT JOIN (SELECT * FROM claimed UNION ALL SELECT * FROM poisoned) c ON true";

/// The same with the newest jobs first, but those that were created before `$10` before all, oldest first.
static CLAIM_NEWEST: LazyLock<String> = LazyLock::new(|| {
    CLAIM
        .replace("due_at AS rank", "CASE WHEN created_at < $10 THEN created_at ELSE $6 + ($6 - created_at) END AS rank")
});

const EXTEND: &str = "
UPDATE jobs SET leased_until = statement_timestamp() + $3
 WHERE holder = $2 AND kind = $1 AND leased_until > statement_timestamp()";

/// Jobs of other than active tenants are not due.
const COUNT: &str = "
SELECT j.kind,
       count(*) FILTER (WHERE j.state = 'waiting') AS due,
       min(j.due_at) FILTER (WHERE j.state = 'waiting') AS oldest_due,
       count(*) FILTER (WHERE j.state = 'dead') AS dead
  FROM jobs j
  JOIN tenants t ON t.id = j.tenant_id
 WHERE j.state = 'dead' OR j.state = 'waiting' AND j.due_at <= $1 AND t.status = 'active'
 GROUP BY j.kind";

#[derive(diesel::QueryableByName)]
struct ClaimedRow {
    #[diesel(sql_type = Nullable<types::Uuid>)]
    last: Option<Uuid>,
    #[diesel(sql_type = Nullable<types::Uuid>)]
    tenant_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<types::Uuid>)]
    id: Option<Uuid>,
    #[diesel(sql_type = Nullable<types::Text>)]
    subject: Option<String>,
    #[diesel(sql_type = Nullable<types::Integer>)]
    attempts: Option<i32>,
    #[diesel(sql_type = Nullable<types::Bool>)]
    poisoned: Option<bool>,
}

#[derive(diesel::QueryableByName)]
struct CountsRow {
    #[diesel(sql_type = types::Text)]
    kind: String,
    #[diesel(sql_type = types::BigInt)]
    due: i64,
    #[diesel(sql_type = Nullable<types::Timestamptz>)]
    oldest_due: Option<DateTime<Utc>>,
    #[diesel(sql_type = types::BigInt)]
    dead: i64,
}

#[async_trait]
impl JobLedger for Tx<Platform> {
    async fn claim_jobs(&mut self, claim: &JobClaim) -> Result<ClaimedJobs, StoreError> {
        let turn = claim.turn;
        let text = match claim.order {
            JobOrder::LongestDue => CLAIM,
            JobOrder::Newest { .. } => CLAIM_NEWEST.as_str(),
        };
        let statement = boxed_sql(text)
            .bind::<types::Text, _>(claim.kind.into_str())
            .bind::<types::Uuid, _>(turn.after.map_or(Uuid::nil(), TenantId::as_uuid))
            .bind::<types::BigInt, _>(turn.tenants)
            .bind::<types::BigInt, _>(turn.per_tenant)
            .bind::<types::BigInt, _>(turn.jobs)
            .bind::<types::Timestamptz, _>(claim.now)
            .bind::<types::Uuid, _>(claim.runner.as_uuid())
            .bind::<types::Interval, _>(claim.lease)
            .bind::<types::Integer, _>(claim.max_starts);
        let statement = match claim.order {
            JobOrder::LongestDue => statement,
            JobOrder::Newest { urgent_after } => statement.bind::<types::Timestamptz, _>(claim.now - urgent_after),
        };
        let rows: Vec<ClaimedRow> = Prepared(statement).load(self.connection()).await.or_store_error()?;
        let mut claimed = ClaimedJobs::default();
        for row in rows {
            claimed.next = row.last.map(TenantId::from_uuid);
            let is_poisoned = row.poisoned == Some(true);
            if let Some(job) = row.into_job(claim.kind)? {
                if is_poisoned { claimed.poisoned.push(job) } else { claimed.jobs.push(job) }
            }
        }
        Ok(claimed)
    }

    async fn extend_job_leases(
        &mut self,
        kind: JobKind,
        runner: JobRunnerId,
        lease: TimeDelta,
    ) -> Result<(), StoreError> {
        let statement = sql(EXTEND)
            .bind::<types::Text, _>(kind.into_str())
            .bind::<types::Uuid, _>(runner.as_uuid())
            .bind::<types::Interval, _>(lease);
        self.execute(statement).await?;
        Ok(())
    }

    async fn count_jobs(&mut self, now: DateTime<Utc>) -> Result<Vec<JobCounts>, StoreError> {
        let statement = sql(COUNT).bind::<types::Timestamptz, _>(now);
        let rows: Vec<CountsRow> = Prepared(statement).load(self.connection()).await.or_store_error()?;
        let of = |kind: JobKind| {
            let row = rows.iter().find(|row| row.kind == kind.into_str());
            row.map_or(JobCounts { kind, due: 0, oldest_due: None, dead: 0 }, |row| JobCounts {
                kind,
                due: row.due,
                oldest_due: row.oldest_due,
                dead: row.dead,
            })
        };
        Ok(JobKind::ALL.iter().map(|kind| of(*kind)).collect())
    }
}

impl ClaimedRow {
    /// `None` for the row of a turn without jobs.
    fn into_job(self, kind: JobKind) -> Result<Option<ClaimedJob>, StoreError> {
        let (Some(tenant), Some(id), Some(text)) = (self.tenant_id, self.id, self.subject) else { return Ok(None) };
        Ok(Some(ClaimedJob {
            tenant: TenantId::from_uuid(tenant),
            id: JobId::from_uuid(id),
            kind,
            subject: subject(&text)?,
            attempts: self.attempts.unwrap_or_default(),
        }))
    }
}
