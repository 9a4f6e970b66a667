use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel_async::RunQueryDsl;
use inbound::{EventIntake, IncomingEvent, StoredBatch, StoredEvent, UnusableQuota};
use kernel::StoreError;
use kernel::ids::{EventId, TenantId};
use uuid::Uuid;
use whatsapp::EventKind;

use super::ledger::event_status;
use crate::error::OrStoreError;
use crate::sql::{Prepared, sql, types};
use crate::transaction::{Platform, Tx};

/// Events per statement.
const MAX_EVENTS: usize = 1_000;

/// Stores events, payloads and ledger rows in one statement. It also looks up the accounts, so that there is no cache to become
/// stale. Keys are sorted, so that two batches with the same events wait for each other instead of deadlocking.
///
/// A transaction has one number of the sequence, which its first statement takes, and room for 4,096 events: an event's arrival is
/// that number and its place among the events of the transaction.
///
/// A change without a phone number is routed by its WhatsApp Business Account. Each tenant with accounts there gets an event: its
/// oldest account, an active one, else one that Meta disconnected, which must learn when Meta restores it. It applies to all of the
/// tenant's accounts there. Accounts that their tenant disconnected get no events. The tenant with the oldest account gets the event
/// itself, each other a copy, whose key follows from event and tenant, so that a repeated delivery makes no other.
///
/// A number that Meta disconnected still belongs to its last account, unless another tenant has claimed it since: Meta goes on
/// delivering after some of its reports, and a signed delivery proves more than they do.
///
/// What a tenant's own app signed belongs to the tenant, also if it cannot be parsed or no account has its number. Such events are
/// counted for each app and day, `$13`, and dropped once the app has used up its quota, `$14` events or `$15` bytes.
const STORE_EVENTS: &str = "
WITH transaction AS MATERIALIZED (
  SELECT CASE WHEN $12 THEN nextval('webhook_arrivals') ELSE currval('webhook_arrivals') END AS number
), input AS (
  SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $11)
           AS input (id, kind, phone_number_id, waba_id, dedupe_key, body, app_id, traceparent, place)
), routed AS (
  SELECT i.id AS input_id, i.place, i.kind, i.phone_number_id, i.waba_id, i.app_id, i.traceparent, coalesce(a.tenant_id, own.tenant_id) AS tenant_id, a.account_id,
         CASE WHEN a.place > 1 THEN (left(i.id::text, 24) || left(md5(i.id::text || a.tenant_id::text), 12))::uuid
              ELSE i.id END AS id,
         CASE WHEN a.place > 1 THEN i.dedupe_key || ':' || a.tenant_id ELSE i.dedupe_key END AS dedupe_key,
         own.tenant_id AS app_owner,
         own.tenant_id IS NOT NULL AND (a.account_id IS NULL OR i.kind = $9) AS is_unusable
    FROM input i
    LEFT JOIN LATERAL (
      (SELECT last.tenant_id, last.account_id, 1 AS place
         FROM (SELECT a.tenant_id, a.id AS account_id, a.status, a.disconnected_by, a.waba_id
                 FROM whatsapp_accounts a
                WHERE a.app_id = i.app_id AND a.phone_number_id = i.phone_number_id AND a.active_since IS NOT NULL
                ORDER BY a.status <> 'active', a.active_since DESC LIMIT 1) last
        WHERE last.status = 'active'
           OR (last.disconnected_by = 'meta' AND last.waba_id = i.waba_id
               AND NOT EXISTS (SELECT FROM whatsapp_accounts p
                                WHERE p.app_id = i.app_id AND p.phone_number_id = i.phone_number_id AND p.status = 'pending')))
      UNION ALL
      (SELECT oldest.tenant_id, oldest.id, row_number() OVER (ORDER BY oldest.status <> 'active', oldest.created_at, oldest.id)
         FROM (
           SELECT DISTINCT ON (a.tenant_id) a.tenant_id, a.id, a.status, a.created_at
             FROM whatsapp_accounts a
            WHERE i.phone_number_id IS NULL AND a.app_id = i.app_id AND a.waba_id = i.waba_id
              AND (a.status = 'active' OR a.disconnected_by = 'meta')
            ORDER BY a.tenant_id, a.status <> 'active', a.created_at, a.id
         ) oldest)
    ) a ON true
    LEFT JOIN meta_apps own ON own.key = i.app_id
), dropped AS (
  SELECT r.id, r.app_owner, r.app_id, r.phone_number_id
    FROM routed r JOIN unusable_events u ON u.tenant_id = r.app_owner AND u.app_id = r.app_id AND u.day = $13
   WHERE r.is_unusable AND (u.events >= $14 OR u.bytes >= $15)
), stored AS (
  INSERT INTO webhook_events
    (id, tenant_id, account_id, app_id, kind, dedupe_key, status, received_at, processed_at, error_class, last_error,
     phone_number_id, waba_id, traceparent, arrival)
  SELECT r.id, r.tenant_id, r.account_id, r.app_id, r.kind, r.dedupe_key,
         CASE WHEN r.kind = $9 THEN 'dead_letter'
              WHEN r.account_id IS NULL THEN 'unroutable'
              WHEN owner.status = 'suspended' THEN 'held'
              ELSE 'received' END,
         $10,
         CASE WHEN r.kind = $9 THEN $10 END,
         CASE WHEN r.kind = $9 THEN 'permanent' END,
         CASE WHEN r.kind = $9 THEN 'is not what the documents of the WhatsApp Business Platform describe, or is larger than 128 KiB' END,
         CASE WHEN r.account_id IS NULL THEN r.phone_number_id END,
         CASE WHEN r.account_id IS NULL THEN r.waba_id END,
         r.traceparent,
         t.number * 4096 + r.place
    FROM routed r
    CROSS JOIN transaction t
    LEFT JOIN tenants owner ON owner.id = r.tenant_id
   WHERE NOT (r.is_unusable AND r.id IN (SELECT id FROM dropped))
   ORDER BY r.app_id, r.dedupe_key
  ON CONFLICT (app_id, dedupe_key) DO NOTHING
  RETURNING id, tenant_id, status
), payloads AS (
  INSERT INTO webhook_payloads (event_id, tenant_id, body)
  SELECT s.id, s.tenant_id, i.body FROM stored s JOIN routed r ON r.id = s.id JOIN input i ON i.id = r.input_id
), ledger AS (
  INSERT INTO webhook_outbox (event_id, tenant_id, not_before)
  SELECT id, tenant_id, $10 FROM stored WHERE status = 'received'
), unusable AS (
  SELECT r.app_owner, r.app_id, r.id, r.phone_number_id, length(i.body) AS bytes, 0 AS dropped
    FROM stored s JOIN routed r ON r.id = s.id JOIN input i ON i.id = r.input_id
   WHERE r.is_unusable
  UNION ALL
  SELECT app_owner, app_id, id, phone_number_id, NULL, 1 FROM dropped
), counted AS (
  INSERT INTO unusable_events (tenant_id, app_id, day, events, bytes, dropped, phone_number_id, number_at)
  SELECT app_owner, app_id, $13, count(bytes), coalesce(sum(bytes), 0), sum(dropped),
         (array_agg(phone_number_id ORDER BY id DESC) FILTER (WHERE phone_number_id IS NOT NULL))[1],
         CASE WHEN count(phone_number_id) > 0 THEN $10 END
    FROM unusable GROUP BY app_owner, app_id ORDER BY app_owner, app_id
  ON CONFLICT (tenant_id, app_id, day) DO UPDATE
     SET events = unusable_events.events + EXCLUDED.events, bytes = unusable_events.bytes + EXCLUDED.bytes,
         dropped = unusable_events.dropped + EXCLUDED.dropped,
         phone_number_id = coalesce(EXCLUDED.phone_number_id, unusable_events.phone_number_id),
         number_at = coalesce(EXCLUDED.number_at, unusable_events.number_at)
)
SELECT id, tenant_id, status FROM stored
 UNION ALL
SELECT id, NULL, NULL FROM dropped";

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = diesel::sql_types::Nullable<types::Uuid>)]
    tenant_id: Option<Uuid>,
    /// `None`: the event was dropped.
    #[diesel(sql_type = diesel::sql_types::Nullable<types::Text>)]
    status: Option<String>,
}

#[async_trait]
impl EventIntake for Tx<Platform> {
    async fn store_events(
        &mut self,
        events: &[IncomingEvent],
        quota: UnusableQuota,
        now: DateTime<Utc>,
    ) -> Result<StoredBatch, StoreError> {
        let mut events: Vec<(i32, &IncomingEvent)> = (0..).zip(events).collect();
        events.sort_by_key(|(_, it)| (it.app.as_str(), it.event.dedupe_key.as_str()));
        let mut batch = StoredBatch::default();
        for (number, chunk) in events.chunks(MAX_EVENTS).enumerate() {
            self.store_sorted(chunk, number == 0, quota, now, &mut batch).await?;
        }
        Ok(batch)
    }
}

impl Tx<Platform> {
    /// Stores events with their places in the transaction, and adds what it did to the batch.
    async fn store_sorted(
        &mut self,
        events: &[(i32, &IncomingEvent)],
        is_first: bool,
        quota: UnusableQuota,
        now: DateTime<Utc>,
        batch: &mut StoredBatch,
    ) -> Result<(), StoreError> {
        let column = || events.iter().map(|(_, incoming)| &incoming.event);
        let ids: Vec<Uuid> = column().map(|event| event.id.as_uuid()).collect();
        let kinds: Vec<&str> = column().map(|event| event.kind.as_str()).collect();
        let phones: Vec<Option<&str>> = column().map(|event| event.phone_number_id.as_deref()).collect();
        let wabas: Vec<Option<&str>> = column().map(|event| event.waba_id.as_deref()).collect();
        let keys: Vec<&str> = column().map(|event| event.dedupe_key.as_str()).collect();
        let bodies: Vec<&[u8]> = column().map(|event| event.payload.as_slice()).collect();
        let apps: Vec<&str> = events.iter().map(|(_, incoming)| incoming.app.as_str()).collect();
        let traces: Vec<String> = events.iter().map(|(_, incoming)| incoming.trace.to_string()).collect();
        let places: Vec<i32> = events.iter().map(|(place, _)| *place).collect();
        let unparsed = EventKind::unparsed();
        let statement = Prepared(
            sql(STORE_EVENTS)
                .bind::<types::Uuids, _>(ids)
                .bind::<types::Texts, _>(kinds)
                .bind::<types::MaybeTexts, _>(phones)
                .bind::<types::MaybeTexts, _>(wabas)
                .bind::<types::Texts, _>(keys)
                .bind::<types::Binaries, _>(bodies)
                .bind::<types::Texts, _>(apps)
                .bind::<types::Texts, _>(traces)
                .bind::<types::Text, _>(unparsed.as_str())
                .bind::<types::Timestamptz, _>(now)
                .bind::<types::Integers, _>(places)
                .bind::<types::Bool, _>(is_first)
                .bind::<types::Date, _>(now.date_naive())
                .bind::<types::BigInt, _>(quota.events.map_or(i64::MAX, i64::from))
                .bind::<types::BigInt, _>(quota.bytes.and_then(|bytes| bytes.try_into().ok()).unwrap_or(i64::MAX)),
        );
        let rows: Vec<Row> = statement.load(self.connection()).await.or_store_error()?;
        for row in rows {
            let id = EventId::from_uuid(row.id);
            let Some(status) = row.status else {
                batch.dropped.push(id);
                continue;
            };
            let (tenant, status) = (row.tenant_id.map(TenantId::from_uuid), event_status(&status)?);
            batch.stored.push(StoredEvent { id, tenant, status });
        }
        Ok(())
    }
}
