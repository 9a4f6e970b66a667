//! Claiming due events of the ledger, tenants in turn.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use diesel::sql_types::Nullable;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use inbound::{ClaimedEvents, DueEvent, Turn};
use kernel::StoreError;
use kernel::ids::{EventId, TenantId};
use uuid::Uuid;

use crate::error::OrStoreError;
use crate::sql::{Prepared, sql, types};
use crate::transaction::{Platform, Tx};

/// Statements about the ledger step through an index whatever the size of the ledger, which changes so fast that the planner's
/// statistics are usually wrong.
pub(super) const BY_INDEX: &str =
    "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL jit = off";

/// From each tenant with rows in the ledger to the next, in the order of their ids.
const TENANTS: &str = "
tenants (tenant_id, place) AS (
  (SELECT tenant_id, 1 FROM webhook_outbox WHERE tenant_id > $3 ORDER BY tenant_id LIMIT 1)
   UNION ALL
  SELECT next.tenant_id, t.place + 1
    FROM tenants t
   CROSS JOIN LATERAL (SELECT tenant_id FROM webhook_outbox WHERE tenant_id > t.tenant_id ORDER BY tenant_id LIMIT 1) next
   WHERE t.place < $4
)";

/// Counts what is published and unfinished of each tenant. What is left of its window is the number of its events that may be
/// published. Events that were published long ago, and are due again, are part of the window already. All tenants' first events
/// are claimed before any tenant's second one. A tenant of weight 3 counts as three tenants: its window is three times as large, and
/// three of its events are claimed in each turn. With many tenants, fewer rows of each are read.
///
/// Ordered by tenant: a worker processes consecutive events of one tenant in one transaction.
static CLAIM_DUE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "WITH RECURSIVE {TENANTS}, published AS (
           SELECT t.tenant_id, w.weight,
                  (SELECT count(*) FROM (SELECT FROM webhook_outbox o
                                          WHERE o.tenant_id = t.tenant_id AND least(o.publish_count, 1) = 1
                                          LIMIT $6 * w.weight) o) AS events
             FROM tenants t
            CROSS JOIN LATERAL (SELECT coalesce((SELECT weight FROM public.tenants WHERE id = t.tenant_id), 1) AS weight) w
         ), rooms AS (
           SELECT tenant_id, weight,
                  CASE WHEN sum(events) OVER () < $7 THEN $6 ELSE $8 END * weight - events AS room,
                  greatest(4 * $5 * weight / sum(weight) OVER (), 1) AS share
             FROM published
         ), candidates AS (
           SELECT new.ctid, (new.turn - 1) / r.weight AS turn
             FROM rooms r
            CROSS JOIN LATERAL (
              SELECT o.ctid, row_number() OVER () AS turn
                FROM (SELECT o.ctid FROM webhook_outbox o
                       WHERE o.tenant_id = r.tenant_id AND least(o.publish_count, 1) = 0 AND o.not_before <= $1
                       ORDER BY o.not_before LIMIT greatest(least(r.room, r.share), 0)) o) new
            UNION ALL
           SELECT again.ctid, (again.turn - 1) / r.weight
             FROM rooms r
            CROSS JOIN LATERAL (
              SELECT o.ctid, row_number() OVER () AS turn
                FROM (SELECT o.ctid FROM webhook_outbox o
                       WHERE o.tenant_id = r.tenant_id AND least(o.publish_count, 1) = 1 AND o.not_before <= $1
                       ORDER BY o.not_before LIMIT r.share) o) again
         ), due AS (
           SELECT ctid FROM webhook_outbox
            WHERE ctid = ANY (ARRAY(SELECT ctid FROM candidates ORDER BY turn LIMIT $5)) AND not_before <= $1
              FOR UPDATE SKIP LOCKED
         ), claimed AS (
           UPDATE webhook_outbox SET not_before = $2 WHERE ctid = ANY (ARRAY(SELECT ctid FROM due))
           RETURNING event_id, publish_count
         )
         SELECT last.tenant_id AS last, c.event_id AS id, e.tenant_id, e.attempts, c.publish_count AS published, e.traceparent
           FROM (SELECT (SELECT tenant_id FROM tenants WHERE place = $4) AS tenant_id) last
           LEFT JOIN claimed c ON true
           LEFT JOIN LATERAL (SELECT tenant_id, attempts, traceparent FROM webhook_events WHERE id = c.event_id OFFSET 0) e ON true
          ORDER BY e.tenant_id, c.event_id"
    )
});

/// The time of the last publish is computed from the due time, see `MARK_PUBLISHED`. `publish_count` is reset, so that the
/// relay, which skips published events while the queue is long, publishes the lost ones again.
static REPUBLISH_LOST: LazyLock<String> = LazyLock::new(|| {
    format!(
        "WITH RECURSIVE {TENANTS}, published AS (
           SELECT o.ctid
             FROM tenants t
            CROSS JOIN LATERAL (SELECT o.ctid FROM webhook_outbox o
                                 WHERE o.tenant_id = t.tenant_id AND least(o.publish_count, 1) = 1 AND o.not_before > $2
                                   AND o.not_before - interval '10 minutes' * (2 ^ least(o.publish_count - 1, 7)) < $1
                                OFFSET 0) o
         ), lost AS (
           SELECT ctid FROM webhook_outbox
            WHERE ctid = ANY (ARRAY(SELECT ctid FROM published)) AND publish_count > 0 AND not_before > $2
              FOR UPDATE SKIP LOCKED
         )
         UPDATE webhook_outbox SET not_before = $2, publish_count = 0 WHERE ctid = ANY (ARRAY(SELECT ctid FROM lost))"
    )
});

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = Nullable<types::Uuid>)]
    last: Option<Uuid>,
    #[diesel(sql_type = Nullable<types::Uuid>)]
    id: Option<Uuid>,
    #[diesel(sql_type = Nullable<types::Uuid>)]
    tenant_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<types::Integer>)]
    attempts: Option<i32>,
    #[diesel(sql_type = Nullable<types::Integer>)]
    published: Option<i32>,
    #[diesel(sql_type = Nullable<types::Text>)]
    traceparent: Option<String>,
}

impl Row {
    /// `None` for the row of a turn without events.
    fn into_event(self) -> Option<DueEvent> {
        Some(DueEvent {
            id: EventId::from_uuid(self.id?),
            tenant: self.tenant_id.map(TenantId::from_uuid),
            attempts: self.attempts.unwrap_or_default(),
            published: self.published.unwrap_or_default(),
            traceparent: self.traceparent,
        })
    }
}

pub(super) async fn claim_due(
    tx: &mut Tx<Platform>,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
    turn: Turn,
) -> Result<ClaimedEvents, StoreError> {
    tx.connection().batch_execute(BY_INDEX).await.or_store_error()?;
    let statement = Prepared(
        sql(&CLAIM_DUE)
            .bind::<types::Timestamptz, _>(now)
            .bind::<types::Timestamptz, _>(until)
            .bind::<types::Uuid, _>(turn.after.map_or(Uuid::nil(), TenantId::as_uuid))
            .bind::<types::BigInt, _>(turn.tenants)
            .bind::<types::BigInt, _>(turn.events)
            .bind::<types::BigInt, _>(turn.window.per_tenant)
            .bind::<types::BigInt, _>(turn.window.total)
            .bind::<types::BigInt, _>(turn.window.reserve),
    );
    let rows: Vec<Row> = statement.load(tx.connection()).await.or_store_error()?;
    let next = rows.iter().find_map(|row| row.last).map(TenantId::from_uuid);
    Ok(ClaimedEvents { events: rows.into_iter().filter_map(Row::into_event).collect(), next })
}

pub(super) async fn republish_lost(
    tx: &mut Tx<Platform>,
    published_before: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<usize, StoreError> {
    tx.connection().batch_execute(BY_INDEX).await.or_store_error()?;
    let statement = sql(&REPUBLISH_LOST)
        .bind::<types::Timestamptz, _>(published_before)
        .bind::<types::Timestamptz, _>(now)
        .bind::<types::Uuid, _>(Uuid::nil())
        .bind::<types::BigInt, _>(i64::MAX);
    tx.execute(statement).await
}
