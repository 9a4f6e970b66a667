use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel_async::RunQueryDsl;
use inbound::{ErrorClass, EventOutcomeRepo};
use kernel::StoreError;
use kernel::ids::EventId;
use uuid::Uuid;

use super::ledger::uuids;
use crate::error::OrStoreError;
use crate::sql::{Prepared, sql, types};
use crate::transaction::{Tenant, Tx};

// Each update checks the status: an event that was finished meanwhile is not changed. Its ledger row is deleted in any case.

const LOCK_EVENTS_TO_PROCESS: &str = "
SELECT e.id, coalesce(p.body, '') AS payload
  FROM webhook_events e LEFT JOIN webhook_payloads p ON p.tenant_id = $3 AND p.event_id = e.id
 WHERE e.tenant_id = $3 AND e.id = ANY ($1)
   AND (e.status = 'received' OR (e.status = 'retrying' AND e.next_attempt_at <= $2))
 ORDER BY e.id
   FOR UPDATE OF e";

/// The publisher's clock is ahead by at least the time that is left until the attempt, so that time is added.
const POSTPONE_EARLY_EVENTS: &str = "
UPDATE webhook_outbox o SET not_before = e.next_attempt_at + (e.next_attempt_at - $2), publish_count = 0
  FROM webhook_events e
 WHERE o.tenant_id = $3 AND o.event_id = ANY ($1) AND o.not_before > e.next_attempt_at
   AND e.tenant_id = $3 AND e.id = o.event_id AND e.status = 'retrying' AND e.next_attempt_at > $2";

/// Also notes the last event of each account. An account that another worker has locked is skipped, since that worker notes another
/// event of the same moment: workers must not wait for each other's commits.
const FINISH_EVENTS: &str = "
WITH finished AS (
  UPDATE webhook_events SET status = 'processed', processed_at = $2, next_attempt_at = NULL
   WHERE tenant_id = $3 AND id = ANY ($1) AND status IN ('received', 'retrying')
  RETURNING id, account_id, kind, received_at
), last AS (
  SELECT DISTINCT ON (account_id) account_id, kind, received_at FROM finished
   WHERE account_id IS NOT NULL ORDER BY account_id, received_at DESC, id DESC
), locked AS (
  SELECT a.id FROM whatsapp_accounts a
   WHERE a.tenant_id = $3 AND a.id IN (SELECT account_id FROM last) FOR NO KEY UPDATE SKIP LOCKED
), noted AS (
  UPDATE whatsapp_accounts a SET last_delivery_at = last.received_at, last_delivery_kind = last.kind
    FROM last JOIN locked ON locked.id = last.account_id
   WHERE a.tenant_id = $3 AND a.id = last.account_id AND coalesce(a.last_delivery_at <= last.received_at, true)
)
DELETE FROM webhook_outbox WHERE tenant_id = $3 AND event_id = ANY ($1)";

const DELETE_PAYLOADS_NAMING: &str = "
DELETE FROM webhook_payloads
 WHERE tenant_id = $1 AND event_id = ANY ($2)
   AND EXISTS (SELECT FROM unnest($3) AS named (value) WHERE position(convert_to(named.value, 'UTF8') IN body) > 0)";

const RETRY_EVENT: &str = "
WITH retried AS (
  UPDATE webhook_events
     SET status = 'retrying', attempts = attempts + 1, starts = 0, next_attempt_at = $2, error_class = $3, last_error = $4
   WHERE tenant_id = $5 AND id = $1 AND status IN ('received', 'retrying')
  RETURNING id, tenant_id, replay_seq, attempts
), attempts AS (
  INSERT INTO webhook_attempts (event_id, tenant_id, replay_seq, attempt, failed_at, error_class, error)
  SELECT id, tenant_id, replay_seq, attempts, $6, $3, $4 FROM retried
)
UPDATE webhook_outbox SET not_before = $2, publish_count = 0
 WHERE tenant_id = $5 AND event_id IN (SELECT id FROM retried)";

const DEAD_LETTER_EVENT: &str = "
WITH dead_lettered AS (
  UPDATE webhook_events
     SET status = 'dead_letter', attempts = attempts + 1, processed_at = $2, next_attempt_at = NULL,
         error_class = $3, last_error = $4
   WHERE tenant_id = $5 AND id = $1 AND status IN ('received', 'retrying')
  RETURNING id, tenant_id, replay_seq, attempts
), attempts AS (
  INSERT INTO webhook_attempts (event_id, tenant_id, replay_seq, attempt, failed_at, error_class, error)
  SELECT id, tenant_id, replay_seq, attempts, $6, $3, $4 FROM dead_lettered
)
DELETE FROM webhook_outbox WHERE tenant_id = $5 AND event_id = $1";

#[derive(diesel::QueryableByName)]
struct Payload {
    #[diesel(sql_type = types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = types::Binary)]
    payload: Vec<u8>,
}

#[async_trait]
impl EventOutcomeRepo for Tx<Tenant> {
    async fn lock_events_to_process(
        &mut self,
        events: &[EventId],
        now: DateTime<Utc>,
    ) -> Result<HashMap<EventId, Vec<u8>>, StoreError> {
        let tenant = self.tenant_id();
        let statement = Prepared(
            sql(LOCK_EVENTS_TO_PROCESS)
                .bind::<types::Uuids, _>(uuids(events))
                .bind::<types::Timestamptz, _>(now)
                .bind::<types::Uuid, _>(tenant),
        );
        let rows: Vec<Payload> = statement.load(self.connection()).await.or_store_error()?;
        Ok(rows.into_iter().map(|row| (EventId::from_uuid(row.id), row.payload)).collect())
    }

    async fn postpone_early_events(&mut self, events: &[EventId], now: DateTime<Utc>) -> Result<(), StoreError> {
        let tenant = self.tenant_id();
        let statement = sql(POSTPONE_EARLY_EVENTS)
            .bind::<types::Uuids, _>(uuids(events))
            .bind::<types::Timestamptz, _>(now)
            .bind::<types::Uuid, _>(tenant);
        self.execute(statement).await?;
        Ok(())
    }

    async fn finish_events(&mut self, events: &[EventId], now: DateTime<Utc>) -> Result<(), StoreError> {
        let tenant = self.tenant_id();
        let statement = sql(FINISH_EVENTS)
            .bind::<types::Uuids, _>(uuids(events))
            .bind::<types::Timestamptz, _>(now)
            .bind::<types::Uuid, _>(tenant);
        self.execute(statement).await?;
        Ok(())
    }

    async fn delete_payloads_naming(&mut self, events: &[EventId], named: &[String]) -> Result<(), StoreError> {
        let statement = sql(DELETE_PAYLOADS_NAMING)
            .bind::<types::Uuid, _>(self.tenant_id())
            .bind::<types::Uuids, _>(uuids(events))
            .bind::<types::Texts, _>(named);
        self.execute(statement).await?;
        Ok(())
    }

    async fn retry_event(
        &mut self,
        event: EventId,
        next_attempt_at: DateTime<Utc>,
        class: ErrorClass,
        error: &str,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        self.record_failure(RETRY_EVENT, event, next_attempt_at, class, error, now).await
    }

    async fn dead_letter_event(
        &mut self,
        event: EventId,
        class: ErrorClass,
        error: &str,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        self.record_failure(DEAD_LETTER_EVENT, event, now, class, error, now).await
    }
}

impl Tx<Tenant> {
    async fn record_failure(
        &mut self,
        statement: &'static str,
        event: EventId,
        time: DateTime<Utc>,
        class: ErrorClass,
        error: &str,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let tenant = self.tenant_id();
        let statement = sql(statement)
            .bind::<types::Uuid, _>(event.as_uuid())
            .bind::<types::Timestamptz, _>(time)
            .bind::<types::Text, _>(class.into_str())
            .bind::<types::Text, _>(error)
            .bind::<types::Uuid, _>(tenant)
            .bind::<types::Timestamptz, _>(now);
        Ok(self.execute(statement).await? > 0)
    }
}
