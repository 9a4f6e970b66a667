//! Rows that both audit logs have in common.

use audit::{Log, Record, RecordFilter, SignedRecord, StoredRecord};
use chrono::{DateTime, Utc};
use diesel::sql_types::Nullable;
use kernel::ids::AuditRecordId;
use kernel::seal::KeyRing;
use kernel::{Cursor, Page, PageLimit, PageRequest, StoreError};
use uuid::Uuid;

use crate::sql::{BoxedSql, boxed_sql, types};

/// The columns of [`RecordRow`] in a log with the alias `r`, without `sequence`.
pub(super) const RECORD_COLUMNS: &str = "r.id, r.occurred_at, r.actor_kind, r.actor_id, r.address, r.request_id, r.action, r.target_kind, r.target_id, \
     r.outcome, r.changes::text AS changes";

/// The conditions, the order and the limit of a list, with the parameters `$1` to `$9` that [`list`] binds.
pub(super) const FILTER_AND_PAGE: &str = "($1::text IS NULL OR r.action = $1) AND ($2::text IS NULL OR r.actor_id = $2) \
     AND ($3::text IS NULL OR r.target_id = $3) AND ($4::text IS NULL OR r.outcome = $4) \
     AND ($5::timestamptz IS NULL OR r.occurred_at >= $5) AND ($6::timestamptz IS NULL OR r.occurred_at < $6) \
     AND ($7::timestamptz IS NULL OR (r.occurred_at, r.id) < ($7, $8)) \
     ORDER BY r.occurred_at DESC, r.id DESC LIMIT $9";

/// A statement with the parameters of [`FILTER_AND_PAGE`].
pub(super) fn list<'a>(statement: &'static str, filter: &'a RecordFilter, page: &PageRequest) -> BoxedSql<'a> {
    boxed_sql(statement)
        .bind::<Nullable<types::Text>, _>(&filter.action)
        .bind::<Nullable<types::Text>, _>(&filter.actor_id)
        .bind::<Nullable<types::Text>, _>(&filter.target_id)
        .bind::<Nullable<types::Text>, _>(&filter.outcome)
        .bind::<Nullable<types::Timestamptz>, _>(filter.from)
        .bind::<Nullable<types::Timestamptz>, _>(filter.to)
        .bind::<Nullable<types::Timestamptz>, _>(page.after.map(|cursor| cursor.time))
        .bind::<Nullable<types::Uuid>, _>(page.after.map(|cursor| cursor.id))
        .bind::<types::BigInt, _>(page.limit.plus_one())
}

/// The record with its MAC.
pub(crate) fn sign(key_ring: &KeyRing, log: Log, record: &Record) -> Result<SignedRecord, StoreError> {
    SignedRecord::new(key_ring, log, record).map_err(|error| StoreError::Other(Box::new(error)))
}

/// Binds a record and its MAC in the order of the columns and of `app.start_session_with_mac`.
pub(crate) fn bind_record<'a>(statement: BoxedSql<'a>, signed: &'a SignedRecord) -> BoxedSql<'a> {
    let (record, mac) = (signed.record(), signed.mac());
    statement
        .bind::<types::Uuid, _>(record.id.as_uuid())
        .bind::<types::Timestamptz, _>(record.occurred_at)
        .bind::<types::Text, _>(&record.actor_kind)
        .bind::<Nullable<types::Text>, _>(&record.actor_id)
        .bind::<Nullable<types::Text>, _>(&record.address)
        .bind::<Nullable<types::Text>, _>(&record.request_id)
        .bind::<types::Text, _>(&record.action)
        .bind::<Nullable<types::Text>, _>(&record.target_kind)
        .bind::<Nullable<types::Text>, _>(&record.target_id)
        .bind::<types::Text, _>(&record.outcome)
        .bind::<types::Text, _>(&record.changes)
        .bind::<types::Text, _>(&mac.key_id)
        .bind::<types::Binary, _>(&mac.bytes)
}

#[derive(diesel::QueryableByName)]
pub(super) struct RecordRow {
    #[diesel(sql_type = types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = Nullable<types::BigInt>)]
    sequence: Option<i64>,
    #[diesel(sql_type = types::Timestamptz)]
    occurred_at: DateTime<Utc>,
    #[diesel(sql_type = types::Text)]
    actor_kind: String,
    #[diesel(sql_type = Nullable<types::Text>)]
    actor_id: Option<String>,
    #[diesel(sql_type = Nullable<types::Text>)]
    address: Option<String>,
    #[diesel(sql_type = Nullable<types::Text>)]
    request_id: Option<String>,
    #[diesel(sql_type = types::Text)]
    action: String,
    #[diesel(sql_type = Nullable<types::Text>)]
    target_kind: Option<String>,
    #[diesel(sql_type = Nullable<types::Text>)]
    target_id: Option<String>,
    #[diesel(sql_type = types::Text)]
    outcome: String,
    #[diesel(sql_type = types::Text)]
    changes: String,
}

impl From<RecordRow> for StoredRecord {
    fn from(row: RecordRow) -> Self {
        Self {
            id: AuditRecordId::from_uuid(row.id),
            sequence: row.sequence,
            occurred_at: row.occurred_at,
            actor_kind: row.actor_kind,
            actor_id: row.actor_id,
            address: row.address,
            request_id: row.request_id,
            action: row.action,
            target_kind: row.target_kind,
            target_id: row.target_id,
            outcome: row.outcome,
            changes: row.changes,
        }
    }
}

/// Rows, with one more than the limit, as a page.
pub(super) fn page(rows: Vec<RecordRow>, limit: PageLimit) -> Page<StoredRecord> {
    let records = rows.into_iter().map(StoredRecord::from).collect();
    Page::of(records, limit, |record| Cursor { time: record.occurred_at, id: record.id.as_uuid() })
}
