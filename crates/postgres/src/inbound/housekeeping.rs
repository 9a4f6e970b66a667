use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::sql_types::Nullable;
use diesel_async::RunQueryDsl;
use inbound::{EventHousekeeping, EventStatus, Purged, RetentionPolicy, StatusCount};
use kernel::StoreError;
use uuid::Uuid;

use super::ledger::event_status;
use crate::error::OrStoreError;
use crate::sql::{Prepared, sql, types};
use crate::transaction::{Platform, Tx};

/// Ids are UUIDv7 of the time of arrival, so the primary key finds the oldest.
const PURGE_PAYLOADS: &str = "
DELETE FROM webhook_payloads
 WHERE event_id IN (
   SELECT p.event_id FROM webhook_payloads p JOIN webhook_events e ON e.id = p.event_id
    WHERE p.event_id < $1 AND e.status IN ('processed', 'discarded')
    ORDER BY p.event_id
    LIMIT $2
      FOR UPDATE OF p SKIP LOCKED)";

const PURGE_EVENTS: &str = "
WITH old AS (
  SELECT id FROM webhook_events
   WHERE id < $1 AND status IN ('processed', 'discarded', 'unroutable')
   ORDER BY id
   LIMIT $2
     FOR UPDATE SKIP LOCKED
), payloads AS (
  DELETE FROM webhook_payloads WHERE event_id IN (SELECT id FROM old)
), attempts AS (
  DELETE FROM webhook_attempts WHERE event_id IN (SELECT id FROM old)
)
DELETE FROM webhook_events WHERE id IN (SELECT id FROM old)";

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

#[async_trait]
impl EventHousekeeping for Tx<Platform> {
    async fn purge(&mut self, policy: RetentionPolicy, now: DateTime<Utc>, limit: i64) -> Result<Purged, StoreError> {
        let kept_events = policy.events.max(RetentionPolicy::MIN_EVENTS);
        let bind = |statement: &'static str, before: DateTime<Utc>| {
            sql(statement).bind::<types::Uuid, _>(first_id_of(before)).bind::<types::BigInt, _>(limit)
        };
        let payloads = self.execute(bind(PURGE_PAYLOADS, now - policy.payloads)).await?;
        let events = self.execute(bind(PURGE_EVENTS, now - kept_events)).await?;
        Ok(Purged { payloads, events })
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

/// The smallest UUIDv7 of a time: 48 bits of milliseconds, then zeros (RFC 9562, section 5.7).
fn first_id_of(time: DateTime<Utc>) -> Uuid {
    let millis = u128::try_from(time.timestamp_millis()).unwrap_or_default();
    Uuid::from_u128(millis << 80)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
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
