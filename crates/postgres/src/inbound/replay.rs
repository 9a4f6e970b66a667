use std::sync::LazyLock;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::sql_types::Nullable;
use diesel_async::RunQueryDsl;
use inbound::{EventRepo, ReplayFilter, ReplayLimit};
use kernel::StoreError;
use kernel::ids::EventId;
use uuid::Uuid;

use crate::error::OrStoreError;
use crate::sql::{BoxedSql, Count, Prepared, boxed_sql, sql, types};
use crate::transaction::{Tenant, Tx};

/// The columns that a replay resets. Earlier failures stay in `webhook_attempts`.
const RESET: &str = "SET status = 'received', attempts = 0, starts = 0, replay_seq = replay_seq + 1, processed_at = NULL, \
                         next_attempt_at = NULL, error_class = NULL, last_error = NULL";

/// Checks the status: of two concurrent replays the second one waits for the first and then finds no dead letter.
static REPLAY_EVENT: LazyLock<String> = LazyLock::new(|| {
    format!(
        "WITH replayed AS (
           UPDATE webhook_events e {RESET}
            WHERE e.tenant_id = $1 AND e.id = $2 AND e.status IN ('dead_letter', 'discarded')
              AND EXISTS (SELECT FROM webhook_payloads p WHERE p.tenant_id = $1 AND p.event_id = e.id)
           RETURNING e.id, e.tenant_id
         )
         INSERT INTO webhook_outbox (event_id, tenant_id, not_before) SELECT id, tenant_id, $3 FROM replayed"
    )
});

/// The events that a filter selects, with the parameters `$1` to `$6` that [`select`] binds.
const SELECTED: &str = "
SELECT e.id, e.received_at FROM webhook_events e
 WHERE e.tenant_id = $1 AND e.status = $2
   AND ($3::text IS NULL OR e.kind = $3)
   AND ($4::uuid IS NULL OR e.account_id = $4)
   AND ($5::text IS NULL OR e.error_class = $5)
   AND EXISTS (SELECT FROM webhook_payloads p WHERE p.tenant_id = $1 AND p.event_id = e.id)
 ORDER BY e.received_at, e.id
 LIMIT $6";

/// Schedules a hundred events per second.
static REPLAY_EVENTS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "WITH selected AS ({SELECTED} FOR UPDATE SKIP LOCKED), replayed AS (
           UPDATE webhook_events e {RESET}
             FROM selected s WHERE e.tenant_id = $1 AND e.id = s.id
           RETURNING e.id, e.tenant_id, s.received_at
         )
         INSERT INTO webhook_outbox (event_id, tenant_id, not_before)
         SELECT id, tenant_id, $7 + interval '10 milliseconds' * (row_number() OVER (ORDER BY received_at, id) - 1)
           FROM replayed"
    )
});

static COUNT_REPLAYABLE: LazyLock<String> =
    LazyLock::new(|| format!("SELECT count(*) AS count FROM ({SELECTED}) AS selected"));

/// A statement with the parameters of [`SELECTED`].
fn select<'a>(statement: &'static str, tenant: Uuid, filter: &'a ReplayFilter, limit: ReplayLimit) -> BoxedSql<'a> {
    boxed_sql(statement)
        .bind::<types::Uuid, _>(tenant)
        .bind::<types::Text, _>(filter.status.into_str())
        .bind::<Nullable<types::Text>, _>(filter.kind.as_ref().map(whatsapp::EventKind::as_str))
        .bind::<Nullable<types::Uuid>, _>(filter.account.map(kernel::ids::AccountId::as_uuid))
        .bind::<Nullable<types::Text>, _>(filter.error_class.map(|class| class.into_str()))
        .bind::<types::BigInt, _>(limit.get())
}

#[async_trait]
impl EventRepo for Tx<Tenant> {
    async fn replay_event(&mut self, id: EventId, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let statement = sql(&REPLAY_EVENT)
            .bind::<types::Uuid, _>(self.tenant_id())
            .bind::<types::Uuid, _>(id.as_uuid())
            .bind::<types::Timestamptz, _>(now);
        Ok(self.execute(statement).await? == 1)
    }

    async fn replay_events(
        &mut self,
        filter: &ReplayFilter,
        limit: ReplayLimit,
        now: DateTime<Utc>,
    ) -> Result<usize, StoreError> {
        let statement = select(&REPLAY_EVENTS, self.tenant_id(), filter, limit).bind::<types::Timestamptz, _>(now);
        self.execute(statement).await
    }

    async fn count_replayable(&mut self, filter: &ReplayFilter, limit: ReplayLimit) -> Result<usize, StoreError> {
        let statement = select(&COUNT_REPLAYABLE, self.tenant_id(), filter, limit);
        let Count { count } = Prepared(statement).get_result(self.connection()).await.or_store_error()?;
        Ok(usize::try_from(count).unwrap_or_default())
    }
}
