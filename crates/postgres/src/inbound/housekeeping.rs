use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::sql_types::Nullable;
use diesel_async::RunQueryDsl;
use inbound::{EventHousekeeping, EventStatus, PurgePosition, Purged, RetentionPolicy, StatusCount};
use kernel::StoreError;
use kernel::ids::EventId;
use uuid::Uuid;

use super::ledger::event_status;
use crate::error::OrStoreError;
use crate::sql::{Prepared, sql, types};
use crate::transaction::{Platform, Tx};

/// Deletes events of one state that were received before `$1`.
macro_rules! purge_of {
    ($status:literal) => {
        concat!(
            "WITH old AS (
               SELECT id FROM webhook_events WHERE status = '",
            $status,
            "' AND received_at < $1 ORDER BY received_at LIMIT $2 FOR UPDATE SKIP LOCKED
             ), payloads AS (
               DELETE FROM webhook_payloads WHERE event_id IN (SELECT id FROM old)
             ), attempts AS (
               DELETE FROM webhook_attempts WHERE event_id IN (SELECT id FROM old)
             )
             DELETE FROM webhook_events WHERE id IN (SELECT id FROM old)"
        )
    };
}

/// Ids are UUIDv7 of the time of arrival, so the primary key finds the oldest. `$3` is where the last purge stopped: rows that must
/// stay are read once in a round, not again for each chunk.
const PURGE_PAYLOADS: &str = "
WITH read AS (
  SELECT event_id FROM webhook_payloads WHERE event_id < $1 AND event_id > $3 ORDER BY event_id LIMIT $2
), deleted AS (
  DELETE FROM webhook_payloads p USING webhook_events e
   WHERE p.event_id IN (SELECT event_id FROM read) AND e.id = p.event_id AND e.status IN ('processed', 'discarded')
  RETURNING p.event_id
)
SELECT (SELECT count(*) FROM read) AS read, (SELECT count(*) FROM deleted) AS deleted,
       (SELECT event_id FROM read ORDER BY event_id DESC LIMIT 1) AS last";

const PURGE_EVENTS: &str = "
WITH read AS (
  SELECT id, status FROM webhook_events WHERE id < $1 AND id > $3 ORDER BY id LIMIT $2
), old AS (
  SELECT e.id FROM webhook_events e JOIN read ON read.id = e.id WHERE e.status IN ('processed', 'discarded')
     FOR UPDATE OF e SKIP LOCKED
), payloads AS (
  DELETE FROM webhook_payloads WHERE event_id IN (SELECT id FROM old)
), attempts AS (
  DELETE FROM webhook_attempts WHERE event_id IN (SELECT id FROM old)
), deleted AS (
  DELETE FROM webhook_events WHERE id IN (SELECT id FROM old) RETURNING id
)
SELECT (SELECT count(*) FROM read) AS read, (SELECT count(*) FROM deleted) AS deleted,
       (SELECT id FROM read ORDER BY id DESC LIMIT 1) AS last";

/// Few events are in these states, and there is a partial index for each.
const PURGE_DEAD_LETTERS: &str = purge_of!("dead_letter");
const PURGE_UNROUTABLE: &str = purge_of!("unroutable");

/// Counts of unusable events are kept as long as the events.
const PURGE_COUNTS: &str = "DELETE FROM unusable_events WHERE day < $1";

/// Events in flight are in the ledger; for each of the other states there is an index.
const COUNT_BY_STATUS: &str = "
SELECT e.status, count(*) AS events, min(e.received_at) AS oldest
  FROM webhook_outbox o JOIN webhook_events e ON e.id = o.event_id GROUP BY e.status
 UNION ALL
SELECT 'dead_letter', count(*), min(received_at) FROM webhook_events WHERE status = 'dead_letter'
 UNION ALL
SELECT 'unroutable', count(*), min(received_at) FROM webhook_events WHERE status = 'unroutable'
 UNION ALL
SELECT 'held', count(*), min(received_at) FROM webhook_events WHERE status = 'held'";

const STATUSES: [EventStatus; 5] =
    [EventStatus::Received, EventStatus::Retrying, EventStatus::DeadLetter, EventStatus::Unroutable, EventStatus::Held];

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = types::Text)]
    status: String,
    #[diesel(sql_type = types::BigInt)]
    events: i64,
    #[diesel(sql_type = Nullable<types::Timestamptz>)]
    oldest: Option<DateTime<Utc>>,
}

/// What a statement read and deleted, and the last row that it read.
#[derive(diesel::QueryableByName)]
struct PurgedChunk {
    #[diesel(sql_type = types::BigInt)]
    read: i64,
    #[diesel(sql_type = types::BigInt)]
    deleted: i64,
    #[diesel(sql_type = Nullable<types::Uuid>)]
    last: Option<Uuid>,
}

#[async_trait]
impl EventHousekeeping for Tx<Platform> {
    async fn purge(
        &mut self,
        policy: RetentionPolicy,
        now: DateTime<Utc>,
        from: PurgePosition,
        limit: i64,
    ) -> Result<Purged, StoreError> {
        let at_least = |period: TimeDelta| now - period.max(RetentionPolicy::MIN_EVENTS);
        let payloads = self.purge_finished(PURGE_PAYLOADS, now - policy.payloads, from.payload, limit).await?;
        let events = self.purge_finished(PURGE_EVENTS, at_least(policy.events), from.event, limit).await?;
        let mut unfinished = 0;
        let mut is_done = payloads.read < limit && events.read < limit;
        for (statement, before) in
            [(PURGE_DEAD_LETTERS, at_least(policy.dead_letters)), (PURGE_UNROUTABLE, at_least(policy.events))]
        {
            let statement = sql(statement).bind::<types::Timestamptz, _>(before).bind::<types::BigInt, _>(limit);
            let deleted = self.execute(statement).await?;
            is_done &= i64::try_from(deleted).is_ok_and(|deleted| deleted < limit);
            unfinished += deleted;
        }
        let counts = sql(PURGE_COUNTS).bind::<types::Date, _>(at_least(policy.events).date_naive());
        self.execute(counts).await?;
        let count = |rows: i64| usize::try_from(rows).unwrap_or_default();
        let next = PurgePosition {
            payload: payloads.last.map_or(from.payload, EventId::from_uuid),
            event: events.last.map_or(from.event, EventId::from_uuid),
        };
        Ok(Purged {
            payloads: count(payloads.deleted),
            events: count(events.deleted) + unfinished,
            next: Some(next).filter(|_| !is_done),
        })
    }

    async fn count_by_status(&mut self) -> Result<Vec<StatusCount>, StoreError> {
        let rows: Vec<Row> = Prepared(sql(COUNT_BY_STATUS)).load(self.connection()).await.or_store_error()?;
        let mut found = rows
            .into_iter()
            .map(|row| Ok(StatusCount { status: event_status(&row.status)?, events: row.events, oldest: row.oldest }))
            .collect::<Result<Vec<_>, StoreError>>()?;
        for status in STATUSES {
            if found.iter().all(|count| count.status != status) {
                found.push(StatusCount { status, events: 0, oldest: None });
            }
        }
        Ok(found)
    }
}

impl Tx<Platform> {
    async fn purge_finished(
        &mut self,
        statement: &'static str,
        before: DateTime<Utc>,
        after: EventId,
        limit: i64,
    ) -> Result<PurgedChunk, StoreError> {
        let statement = sql(statement)
            .bind::<types::Uuid, _>(first_id_of(before))
            .bind::<types::BigInt, _>(limit)
            .bind::<types::Uuid, _>(after.as_uuid());
        Prepared(statement).get_result(self.connection()).await.or_store_error()
    }
}

/// The smallest UUIDv7 of a time: 48 bits of milliseconds, then zeros (RFC 9562, section 5.7).
fn first_id_of(time: DateTime<Utc>) -> Uuid {
    let millis = u128::try_from(time.timestamp_millis()).unwrap_or_default();
    Uuid::from_u128(millis << 80)
}

#[cfg(test)]
mod tests {
    use kernel::{Clock, ManualClock};

    use super::*;

    #[test]
    fn first_id_separates_earlier_ids_from_later() {
        let time = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let id = |shift: i64| ManualClock::starting_at(time + TimeDelta::milliseconds(shift)).new_id();
        assert!(id(-1) < first_id_of(time));
        assert!(id(0) > first_id_of(time));
    }
}
