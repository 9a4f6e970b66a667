//! What is left to do of erasures and merges: each step moves or deletes at most [`STEP`] rows of a kind.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use crm::{ContactJobDirectory, ContactJobRepo};
use diesel::OptionalExtension as _;
use diesel::sql_types::Nullable;
use diesel_async::RunQueryDsl;
use kernel::StoreError;
use kernel::ids::TenantId;
use uuid::Uuid;

use crate::error::OrStoreError;
use crate::sql::{Count, Exists, Prepared, sql, types};
use crate::tenants;
use crate::transaction::{Platform, Tenant, Tx};

/// So many rows are locked, and deleted or moved, by one statement.
pub(super) const STEP: i64 = 1_000;

/// The oldest: a contact may be merged into one that is erased or merged by a later job.
const OLDEST: &str = "
SELECT contact_id, into_id, from_conversations, into_conversations, named, contact_is_gone, searched_time, searched_event
  FROM contact_jobs
 WHERE tenant_id = $1 AND number = (SELECT min(number) FROM contact_jobs WHERE tenant_id = $1)
   FOR UPDATE SKIP LOCKED";

const IS_UNFINISHED: &str = "SELECT EXISTS (SELECT FROM contact_jobs WHERE tenant_id = $1) AS exists";

const LOCK_CONTACT: &str = "SELECT id FROM contacts WHERE tenant_id = $1 AND id = $2 FOR UPDATE";

/// In this order: an interaction refers to its message, a message to its conversation. `$3` is the limit.
const ERASE: [&str; 4] = [
    "DELETE FROM message_updates WHERE (tenant_id, account_id, wamid, kind, key) IN (
       SELECT tenant_id, account_id, wamid, kind, key FROM message_updates WHERE tenant_id = $1 AND contact_id = $2 LIMIT $3)",
    "DELETE FROM interactions WHERE tenant_id = $1 AND id IN (
       SELECT id FROM interactions WHERE tenant_id = $1 AND contact_id = $2 LIMIT $3)",
    "WITH deleted AS (
       DELETE FROM messages WHERE tenant_id = $1 AND id IN (
         SELECT id FROM messages WHERE tenant_id = $1 AND contact_id = $2 LIMIT $3)
       RETURNING account_id, wamid
     ), updates AS (
       DELETE FROM message_updates u USING deleted d
        WHERE u.tenant_id = $1 AND u.account_id = d.account_id AND u.wamid = d.wamid
     )
     SELECT FROM deleted",
    "DELETE FROM conversations WHERE tenant_id = $1 AND id IN (
       SELECT id FROM conversations WHERE tenant_id = $1 AND contact_id = $2 LIMIT $3)",
];

/// `$4` is the contact that remains; messages of the conversations `$5` move to those of `$6`.
const MOVE: [&str; 3] = [
    "UPDATE message_updates SET contact_id = $4 WHERE (tenant_id, account_id, wamid, kind, key) IN (
       SELECT tenant_id, account_id, wamid, kind, key FROM message_updates WHERE tenant_id = $1 AND contact_id = $2 LIMIT $3)
        AND $5::uuid[] IS NOT NULL AND $6::uuid[] IS NOT NULL",
    "UPDATE messages
        SET contact_id = $4,
            unread_in = CASE WHEN conversation_id = ANY ($5) THEN NULL ELSE unread_in END,
            conversation_id = CASE WHEN conversation_id = ANY ($5) THEN ($6::uuid[])[array_position($5, conversation_id)]
                                   ELSE conversation_id END
      WHERE tenant_id = $1 AND id IN (SELECT id FROM messages WHERE tenant_id = $1 AND contact_id = $2 LIMIT $3)",
    "UPDATE interactions SET contact_id = $4 WHERE tenant_id = $1 AND id IN (
       SELECT id FROM interactions WHERE tenant_id = $1 AND contact_id = $2 LIMIT $3)
        AND $5::uuid[] IS NOT NULL AND $6::uuid[] IS NOT NULL",
];

/// Sends follow their messages.
pub(super) const DELETE_MOVED_CONVERSATIONS: &str = "
WITH followed AS (
  UPDATE sends s SET conversation_id = m.conversation_id
    FROM messages m
   WHERE s.tenant_id = $1 AND s.conversation_id = ANY ($2) AND m.tenant_id = $1 AND m.id = s.message_id
)
DELETE FROM conversations WHERE tenant_id = $1 AND id = ANY ($2)";

/// Foreign keys delete its identities, service windows and redirected ids.
const DELETE_CONTACT: &str = "DELETE FROM contacts WHERE tenant_id = $1 AND id = $2";

/// Deletes payloads that name the person from the events before the last searched one, newest first. A dead letter cannot be
/// replayed without its payload, so it is discarded; since that cannot be undone, the value has to be a whole JSON string there.
/// Unfinished events are left out: their payloads are deleted when they are processed.
const DELETE_PAYLOADS: &str = "
WITH searched AS (
  SELECT id, received_at, status FROM webhook_events
   WHERE tenant_id = $1 AND (received_at, id) < ($2, $3)
   ORDER BY received_at DESC, id DESC
   LIMIT $4
), naming AS (
  SELECT s.id, s.status FROM searched s JOIN webhook_payloads p ON p.tenant_id = $1 AND p.event_id = s.id
   WHERE s.status IN ('processed', 'discarded', 'dead_letter')
     AND EXISTS (SELECT FROM unnest($5) AS named (value)
                  WHERE CASE WHEN s.status <> 'dead_letter' THEN position(convert_to(named.value, 'UTF8') IN p.body) > 0
                             ELSE position(convert_to('\"' || named.value || '\"', 'UTF8') IN p.body) > 0
                               OR position(convert_to('\"+' || named.value || '\"', 'UTF8') IN p.body) > 0 END)
), payloads AS (
  DELETE FROM webhook_payloads WHERE tenant_id = $1 AND event_id IN (SELECT id FROM naming)
), attempts AS (
  DELETE FROM webhook_attempts WHERE tenant_id = $1 AND event_id IN (SELECT id FROM naming)
), events AS (
  UPDATE webhook_events SET status = 'discarded', last_error = NULL
   WHERE tenant_id = $1 AND id IN (SELECT id FROM naming WHERE status = 'dead_letter')
)
SELECT id, received_at, count(*) OVER () AS events FROM searched ORDER BY received_at, id LIMIT 1";

const NOTE_SEARCHED: &str = "
UPDATE contact_jobs SET contact_is_gone = true, searched_time = $3, searched_event = $4
 WHERE tenant_id = $1 AND contact_id = $2";

const DELETE_JOB: &str = "DELETE FROM contact_jobs WHERE tenant_id = $1 AND contact_id = $2";

#[derive(diesel::QueryableByName)]
struct Job {
    #[diesel(sql_type = types::Uuid)]
    contact_id: Uuid,
    /// Of a merge.
    #[diesel(sql_type = Nullable<types::Uuid>)]
    into_id: Option<Uuid>,
    #[diesel(sql_type = types::Uuids)]
    from_conversations: Vec<Uuid>,
    #[diesel(sql_type = types::Uuids)]
    into_conversations: Vec<Uuid>,
    #[diesel(sql_type = types::Texts)]
    named: Vec<String>,
    #[diesel(sql_type = types::Bool)]
    contact_is_gone: bool,
    #[diesel(sql_type = types::Timestamptz)]
    searched_time: DateTime<Utc>,
    #[diesel(sql_type = types::Uuid)]
    searched_event: Uuid,
}

#[derive(diesel::QueryableByName)]
struct Searched {
    #[diesel(sql_type = types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = types::Timestamptz)]
    received_at: DateTime<Utc>,
    #[diesel(sql_type = types::BigInt)]
    events: i64,
}

#[async_trait]
impl ContactJobRepo for Tx<Tenant> {
    async fn continue_contact_job(&mut self) -> Result<bool, StoreError> {
        let tenant = self.tenant_id();
        let Some(job) = oldest(self).await? else { return Ok(false) };
        if step(self, &job).await? {
            self.execute(sql(DELETE_JOB).bind::<types::Uuid, _>(tenant).bind::<types::Uuid, _>(job.contact_id)).await?;
        }
        has_jobs(self).await
    }
}

#[async_trait]
impl ContactJobDirectory for Tx<Platform> {
    async fn tenants_with_contact_jobs(
        &mut self,
        after: Option<TenantId>,
        limit: i32,
    ) -> Result<Vec<TenantId>, StoreError> {
        tenants::after(self, "SELECT tenant_id AS id FROM app.tenants_with_contact_jobs($1, $2)", after, limit).await
    }
}

pub(super) async fn has_jobs(tx: &mut Tx<Tenant>) -> Result<bool, StoreError> {
    let statement = sql(IS_UNFINISHED).bind::<types::Uuid, _>(tx.tenant_id());
    let Exists { exists } = Prepared(statement).get_result(tx.connection()).await.or_store_error()?;
    Ok(exists)
}

async fn oldest(tx: &mut Tx<Tenant>) -> Result<Option<Job>, StoreError> {
    let statement = sql(OLDEST).bind::<types::Uuid, _>(tx.tenant_id());
    Prepared(statement).get_result(tx.connection()).await.optional().or_store_error()
}

/// Runs the first step of a job in the transaction of the request, unless others have to be done before.
pub(super) async fn run_first_step(tx: &mut Tx<Tenant>, contact: Uuid) -> Result<(), StoreError> {
    match oldest(tx).await? {
        Some(oldest) if oldest.contact_id == contact => tx.continue_contact_job().await.map(|_| ()),
        _ => Ok(()),
    }
}

/// Returns whether the job is done.
async fn step(tx: &mut Tx<Tenant>, job: &Job) -> Result<bool, StoreError> {
    match job.into_id {
        Some(into) => move_rows(tx, job, into).await,
        None if job.contact_is_gone => delete_payloads(tx, job).await,
        None => Ok(erase_rows(tx, job).await? && delete_payloads(tx, job).await?),
    }
}

/// Returns whether the contact is deleted.
async fn erase_rows(tx: &mut Tx<Tenant>, job: &Job) -> Result<bool, StoreError> {
    let tenant = tx.tenant_id();
    let bind = |text: &'static str| sql(text).bind::<types::Uuid, _>(tenant).bind::<types::Uuid, _>(job.contact_id);
    tx.execute(bind(LOCK_CONTACT)).await?;
    for statement in ERASE {
        if is_full(tx.execute(bind(statement).bind::<types::BigInt, _>(STEP)).await?) {
            return Ok(false);
        }
    }
    tx.execute(bind(DELETE_CONTACT)).await?;
    Ok(true)
}

/// Returns whether all events were searched.
async fn delete_payloads(tx: &mut Tx<Tenant>, job: &Job) -> Result<bool, StoreError> {
    if job.named.is_empty() {
        return Ok(true);
    }
    let tenant = tx.tenant_id();
    let search = sql(DELETE_PAYLOADS)
        .bind::<types::Uuid, _>(tenant)
        .bind::<types::Timestamptz, _>(job.searched_time)
        .bind::<types::Uuid, _>(job.searched_event)
        .bind::<types::BigInt, _>(STEP)
        .bind::<types::Texts, _>(&job.named);
    let searched: Option<Searched> = Prepared(search).get_result(tx.connection()).await.optional().or_store_error()?;
    let Some(Searched { id, received_at, .. }) = searched.filter(|searched| searched.events == STEP) else {
        return Ok(true);
    };
    let note = sql(NOTE_SEARCHED)
        .bind::<types::Uuid, _>(tenant)
        .bind::<types::Uuid, _>(job.contact_id)
        .bind::<types::Timestamptz, _>(received_at)
        .bind::<types::Uuid, _>(id);
    tx.execute(note).await?;
    Ok(false)
}

/// Returns whether all rows were moved and the contact is deleted.
async fn move_rows(tx: &mut Tx<Tenant>, job: &Job, into: Uuid) -> Result<bool, StoreError> {
    let tenant = tx.tenant_id();
    let bind = |text: &'static str| sql(text).bind::<types::Uuid, _>(tenant).bind::<types::Uuid, _>(job.contact_id);
    tx.execute(bind(LOCK_CONTACT)).await?;
    for statement in MOVE {
        let statement = bind(statement)
            .bind::<types::BigInt, _>(STEP)
            .bind::<types::Uuid, _>(into)
            .bind::<types::Uuids, _>(&job.from_conversations)
            .bind::<types::Uuids, _>(&job.into_conversations);
        if is_full(tx.execute(statement).await?) {
            return Ok(false);
        }
    }
    let emptied =
        sql(DELETE_MOVED_CONVERSATIONS).bind::<types::Uuid, _>(tenant).bind::<types::Uuids, _>(&job.from_conversations);
    tx.execute(emptied).await?;
    tx.execute(bind(DELETE_CONTACT)).await?;
    super::inbox::refresh(tx, job.into_conversations.clone()).await?;
    Ok(true)
}

fn is_full(rows: usize) -> bool {
    i64::try_from(rows).is_ok_and(|rows| rows >= STEP)
}

/// Whether the contact has more rows to move than a step moves.
pub(super) async fn has_many_rows(tx: &mut Tx<Tenant>, contact: Uuid) -> Result<bool, StoreError> {
    const COUNT_UP_TO_LIMIT: &str = "
SELECT (SELECT count(*) FROM (SELECT FROM messages WHERE tenant_id = $1 AND contact_id = $2 LIMIT $3) m)
     + (SELECT count(*) FROM (SELECT FROM interactions WHERE tenant_id = $1 AND contact_id = $2 LIMIT $3) i)
     + (SELECT count(*) FROM (SELECT FROM message_updates WHERE tenant_id = $1 AND contact_id = $2 LIMIT $3) u) AS count";
    let statement = sql(COUNT_UP_TO_LIMIT)
        .bind::<types::Uuid, _>(tx.tenant_id())
        .bind::<types::Uuid, _>(contact)
        .bind::<types::BigInt, _>(2 * STEP + 1);
    let Count { count } = Prepared(statement).get_result(tx.connection()).await.or_store_error()?;
    Ok(count > 2 * STEP)
}
