use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use inbound::{AbandonedEvent, ClaimedEvents, EventLedger, EventStatus, Turn, UnfinishedEvent};
use kernel::ids::{AccountId, EventId, TenantId};
use kernel::{Arrival, StoreError};
use uuid::Uuid;
use whatsapp::EventKind;

use super::claim;
use crate::closed_set;
use crate::error::OrStoreError;
use crate::sql::{Count, Id, Prepared, sql, types};
use crate::transaction::{Platform, Tx};

/// The size of the ledger changes so fast that the planner's statistics are usually wrong. Here and below rows are therefore
/// found by `ctid` and their events by id, which is the best plan for any size.
const RELEASE_CLAIM: &str = "
WITH claimed AS (
  SELECT ctid FROM webhook_outbox WHERE event_id = ANY ($1) AND not_before = $3 FOR UPDATE SKIP LOCKED
)
UPDATE webhook_outbox SET not_before = $2 WHERE ctid = ANY (ARRAY(SELECT ctid FROM claimed))";

const DEAD_LETTER_ABANDONED: &str = "
WITH released AS (
  SELECT o.ctid FROM webhook_outbox o
   CROSS JOIN LATERAL (SELECT status, starts FROM webhook_events WHERE id = o.event_id OFFSET 0) e
   WHERE o.event_id = ANY ($1) AND e.status IN ('received', 'retrying') AND e.starts < $3
     FOR UPDATE OF o
), due AS (
  UPDATE webhook_outbox SET not_before = $2, publish_count = 0 WHERE ctid = ANY (ARRAY(SELECT ctid FROM released))
), dead_lettered AS (
  UPDATE webhook_events
     SET status = 'dead_letter', processed_at = $2, next_attempt_at = NULL, error_class = 'poison',
         last_error = 'the broker gave up after delivering it too often', attempts = attempts + 1
   WHERE id = ANY ($1) AND status IN ('received', 'retrying') AND starts >= $3
  RETURNING id, tenant_id, kind, replay_seq, attempts, error_class, last_error, traceparent
), attempts AS (
  INSERT INTO webhook_attempts (event_id, tenant_id, replay_seq, attempt, failed_at, error_class, error)
  SELECT id, tenant_id, replay_seq, attempts, $2, error_class, last_error FROM dead_lettered
), ledger AS (
  DELETE FROM webhook_outbox WHERE event_id IN (SELECT id FROM dead_lettered)
)
SELECT id, tenant_id, kind, attempts, traceparent FROM dead_lettered";

/// Published events are due again 10 minutes after the first publish, twice as long after each further one, at most about a day.
/// The end of the lease identifies the claim: if a worker has already scheduled a retry, its time is kept. Rows that a worker has
/// locked to finish the event are skipped.
const MARK_PUBLISHED: &str = "
WITH claimed AS (
  SELECT ctid FROM webhook_outbox WHERE event_id = ANY ($1) AND not_before = $3 FOR UPDATE SKIP LOCKED
)
UPDATE webhook_outbox
   SET publish_count = publish_count + 1,
       not_before = $2 + interval '10 minutes' * (2 ^ least(publish_count, 7))
 WHERE ctid = ANY (ARRAY(SELECT ctid FROM claimed))";

/// Starts from accounts and looks for the events of each by an index: unroutable events may be many, and most of them stay.
/// Events are routed by the same rules as on arrival, but a change of a business account goes to the oldest account only: at its
/// arrival no tenant had one. What arrived after a tenant had the number is not given to another: it waits until that tenant
/// connects the number again.
const ASSIGN_UNROUTABLE: &str = "
WITH candidates AS (
  SELECT e.id, a.tenant_id, a.id AS account_id
    FROM whatsapp_accounts a
   CROSS JOIN LATERAL (SELECT w.id FROM webhook_events w
                        WHERE w.status = 'unroutable' AND w.app_id = a.app_id AND w.phone_number_id = a.phone_number_id
                          AND a.tenant_id = coalesce(
                                (SELECT h.tenant_id FROM whatsapp_accounts h
                                  WHERE h.app_id = a.app_id AND h.phone_number_id = a.phone_number_id
                                    AND h.active_since <= w.received_at
                                  ORDER BY h.active_since DESC LIMIT 1),
                                a.tenant_id)
                        LIMIT $2) e
   WHERE a.status = 'active' AND EXISTS (SELECT FROM webhook_events WHERE status = 'unroutable')
   UNION ALL
  SELECT e.id, a.tenant_id, a.id
    FROM (SELECT DISTINCT ON (app_id, waba_id) * FROM whatsapp_accounts
           WHERE (status = 'active' OR disconnected_by = 'meta')
             AND EXISTS (SELECT FROM webhook_events WHERE status = 'unroutable' AND phone_number_id IS NULL)
           ORDER BY app_id, waba_id, status <> 'active', created_at, id) a
   CROSS JOIN LATERAL (SELECT id FROM webhook_events
                        WHERE status = 'unroutable' AND phone_number_id IS NULL AND app_id = a.app_id AND waba_id = a.waba_id
                        LIMIT $2) e
   LIMIT $2
), locked AS (
  SELECT e.id FROM webhook_events e WHERE e.id IN (SELECT id FROM candidates) ORDER BY e.id FOR UPDATE SKIP LOCKED
), assigned AS (
  UPDATE webhook_events e
     SET tenant_id = c.tenant_id, account_id = c.account_id, phone_number_id = NULL, waba_id = NULL,
         status = CASE t.status WHEN 'suspended' THEN 'held' ELSE 'received' END
    FROM locked l JOIN candidates c ON c.id = l.id JOIN tenants t ON t.id = c.tenant_id
   WHERE e.id = l.id AND e.status = 'unroutable'
  RETURNING e.id, e.tenant_id, e.status
), payloads AS (
  UPDATE webhook_payloads p SET tenant_id = a.tenant_id FROM assigned a WHERE p.event_id = a.id
), ledger AS (
  INSERT INTO webhook_outbox (event_id, tenant_id, not_before)
  SELECT id, tenant_id, $1 FROM assigned WHERE status = 'received'
)
SELECT count(*) AS count FROM assigned";

/// Steps from each tenant with held events to the next by an index: those of a tenant that stays suspended may be many. An event
/// that became `held` while its tenant was being reactivated is requeued by the next sweep.
const REQUEUE_HELD: &str = "
WITH RECURSIVE holders (tenant_id) AS (
  (SELECT tenant_id FROM webhook_events WHERE status = 'held' ORDER BY tenant_id LIMIT 1)
   UNION ALL
  SELECT next.tenant_id
    FROM holders h
   CROSS JOIN LATERAL (SELECT tenant_id FROM webhook_events
                        WHERE status = 'held' AND tenant_id > h.tenant_id ORDER BY tenant_id LIMIT 1) next
), candidates AS (
  SELECT e.id
    FROM holders h JOIN tenants t ON t.id = h.tenant_id AND t.status = 'active'
   CROSS JOIN LATERAL (SELECT id FROM webhook_events
                        WHERE status = 'held' AND tenant_id = t.id ORDER BY received_at LIMIT $2) e
   LIMIT $2
), held AS (
  SELECT id FROM webhook_events WHERE id = ANY (ARRAY(SELECT id FROM candidates)) AND status = 'held' FOR UPDATE SKIP LOCKED
), requeued AS (
  UPDATE webhook_events e SET status = 'received' FROM held WHERE e.id = held.id
  RETURNING e.id, e.tenant_id
), ledger AS (
  INSERT INTO webhook_outbox (event_id, tenant_id, not_before) SELECT id, tenant_id, $1 FROM requeued
)
SELECT count(*) AS count FROM requeued";

const RECORD_STARTS: &str = "
UPDATE webhook_events SET starts = starts + 1
 WHERE id IN (SELECT id FROM webhook_events
               WHERE id = ANY ($1) AND status IN ('received', 'retrying') ORDER BY id FOR NO KEY UPDATE)
RETURNING id";

/// The size of a payload is in its row: its bytes are not read. Without LEFT JOIN an event without a payload, which should not
/// happen, would stay in the ledger forever.
const UNFINISHED_EVENTS: &str = "
SELECT e.id, e.tenant_id, e.account_id, coalesce(a.disconnected_by = 'meta', false) AS of_disconnected_account, e.kind, e.status, e.attempts,
       e.starts, e.traceparent, e.received_at, e.arrival,
       coalesce(octet_length(p.body), 0) AS size
  FROM webhook_events e
  LEFT JOIN webhook_payloads p ON p.event_id = e.id
  LEFT JOIN whatsapp_accounts a ON a.tenant_id = e.tenant_id AND a.id = e.account_id
 WHERE e.id = ANY ($1) AND e.status IN ('received', 'retrying')
 ORDER BY e.id";

/// Rows that a worker has locked to finish the event are skipped.
const KEEP_PUBLISHED: &str = "
WITH kept AS (
  SELECT ctid FROM webhook_outbox WHERE event_id = ANY ($1) AND publish_count > 0 FOR UPDATE SKIP LOCKED
)
UPDATE webhook_outbox SET not_before = $2 + interval '10 minutes' * (2 ^ least(publish_count - 1, 7))
 WHERE ctid = ANY (ARRAY(SELECT ctid FROM kept))";

#[derive(diesel::QueryableByName)]
struct AbandonedRow {
    #[diesel(sql_type = types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = diesel::sql_types::Nullable<types::Uuid>)]
    tenant_id: Option<Uuid>,
    #[diesel(sql_type = diesel::sql_types::Nullable<types::Text>)]
    traceparent: Option<String>,
    #[diesel(sql_type = types::Text)]
    kind: String,
    #[diesel(sql_type = types::Integer)]
    attempts: i32,
}

#[derive(diesel::QueryableByName)]
struct UnfinishedRow {
    #[diesel(sql_type = types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = diesel::sql_types::Nullable<types::Uuid>)]
    tenant_id: Option<Uuid>,
    #[diesel(sql_type = diesel::sql_types::Nullable<types::Uuid>)]
    account_id: Option<Uuid>,
    #[diesel(sql_type = types::Text)]
    kind: String,
    #[diesel(sql_type = types::Bool)]
    of_disconnected_account: bool,
    #[diesel(sql_type = types::Text)]
    status: String,
    #[diesel(sql_type = types::Integer)]
    attempts: i32,
    #[diesel(sql_type = types::Integer)]
    starts: i32,
    #[diesel(sql_type = diesel::sql_types::Nullable<types::Text>)]
    traceparent: Option<String>,
    #[diesel(sql_type = types::Timestamptz)]
    received_at: DateTime<Utc>,
    #[diesel(sql_type = types::BigInt)]
    arrival: i64,
    #[diesel(sql_type = types::Integer)]
    size: i32,
}

#[async_trait]
impl EventLedger for Tx<Platform> {
    async fn claim_due(
        &mut self,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        turn: Turn,
    ) -> Result<ClaimedEvents, StoreError> {
        claim::claim_due(self, now, until, turn).await
    }

    async fn mark_published(
        &mut self,
        events: &[EventId],
        claimed_until: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.reschedule(MARK_PUBLISHED, events, claimed_until, now).await
    }

    async fn keep_published(&mut self, events: &[EventId], now: DateTime<Utc>) -> Result<(), StoreError> {
        let statement = sql(KEEP_PUBLISHED).bind::<types::Uuids, _>(uuids(events)).bind::<types::Timestamptz, _>(now);
        self.execute(statement).await?;
        Ok(())
    }

    async fn release_claim(
        &mut self,
        events: &[EventId],
        claimed_until: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.reschedule(RELEASE_CLAIM, events, claimed_until, now).await
    }

    async fn republish_lost(
        &mut self,
        published_before: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<usize, StoreError> {
        claim::republish_lost(self, published_before, now).await
    }

    async fn assign_unroutable(&mut self, now: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        self.requeue(ASSIGN_UNROUTABLE, now, limit).await
    }

    async fn requeue_held(&mut self, now: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        self.requeue(REQUEUE_HELD, now, limit).await
    }

    async fn unfinished_events(&mut self, events: &[EventId]) -> Result<Vec<UnfinishedEvent>, StoreError> {
        let statement = Prepared(sql(UNFINISHED_EVENTS).bind::<types::Uuids, _>(uuids(events)));
        let rows: Vec<UnfinishedRow> = statement.load(self.connection()).await.or_store_error()?;
        rows.into_iter().map(UnfinishedRow::into_event).collect()
    }

    async fn record_starts(&mut self, events: &[EventId]) -> Result<Vec<EventId>, StoreError> {
        let statement = Prepared(sql(RECORD_STARTS).bind::<types::Uuids, _>(uuids(events)));
        let rows: Vec<Id> = statement.load(self.connection()).await.or_store_error()?;
        Ok(rows.into_iter().map(|row| EventId::from_uuid(row.id)).collect())
    }

    async fn dead_letter_abandoned(
        &mut self,
        events: &[EventId],
        now: DateTime<Utc>,
    ) -> Result<Vec<AbandonedEvent>, StoreError> {
        let statement = Prepared(
            sql(DEAD_LETTER_ABANDONED)
                .bind::<types::Uuids, _>(uuids(events))
                .bind::<types::Timestamptz, _>(now)
                .bind::<types::Integer, _>(UnfinishedEvent::MAX_STARTS),
        );
        let rows: Vec<AbandonedRow> = statement.load(self.connection()).await.or_store_error()?;
        let event = |row: AbandonedRow| AbandonedEvent {
            id: EventId::from_uuid(row.id),
            tenant: row.tenant_id.map(TenantId::from_uuid),
            traceparent: row.traceparent,
            kind: EventKind::from_stored(row.kind),
            attempts: row.attempts,
        };
        Ok(rows.into_iter().map(event).collect())
    }
}

impl Tx<Platform> {
    async fn requeue(&mut self, statement: &'static str, now: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        self.connection().batch_execute(claim::BY_INDEX).await.or_store_error()?;
        let statement = Prepared(sql(statement).bind::<types::Timestamptz, _>(now).bind::<types::BigInt, _>(limit));
        let rows: Vec<Count> = statement.load(self.connection()).await.or_store_error()?;
        Ok(rows.iter().map(|row| usize::try_from(row.count).unwrap_or_default()).sum())
    }

    async fn reschedule(
        &mut self,
        statement: &'static str,
        events: &[EventId],
        claimed_until: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let statement = sql(statement)
            .bind::<types::Uuids, _>(uuids(events))
            .bind::<types::Timestamptz, _>(now)
            .bind::<types::Timestamptz, _>(claimed_until);
        self.execute(statement).await?;
        Ok(())
    }
}

impl UnfinishedRow {
    fn into_event(self) -> Result<UnfinishedEvent, StoreError> {
        Ok(UnfinishedEvent {
            id: EventId::from_uuid(self.id),
            tenant: self.tenant_id.map(TenantId::from_uuid),
            account: self.account_id.map(AccountId::from_uuid),
            of_disconnected_account: self.of_disconnected_account,
            kind: EventKind::from_stored(self.kind),
            status: event_status(&self.status)?,
            attempts: self.attempts,
            starts: self.starts,
            traceparent: self.traceparent,
            received_at: self.received_at,
            arrival: Arrival::new(self.arrival),
            size: usize::try_from(self.size).unwrap_or_default(),
        })
    }
}

pub(super) fn uuids(events: &[EventId]) -> Vec<Uuid> {
    events.iter().map(|event| event.as_uuid()).collect()
}

pub(super) fn event_status(text: &str) -> Result<EventStatus, StoreError> {
    closed_set::parse(text, "webhook_events.status")
}
