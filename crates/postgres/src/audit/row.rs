//! Rows that both audit logs have in common.

use audit::{Log, Record, RecordFilter, SignedRecord, StoredRecord};
use chrono::{DateTime, Utc};
use diesel::sql_types::Nullable;
use kernel::ids::AuditRecordId;
use kernel::seal::KeyRing;
use kernel::{Cursor, Page, PageLimit, PageRequest, StoreError};
use uuid::Uuid;

use crate::sql::{BoxedSql, types};

/// The columns of [`RecordRow`] in a log with the alias `r`, without `sequence`.
pub(super) const RECORD_COLUMNS: &str = "r.id, r.occurred_at, r.actor_kind, r.actor_id, r.address, r.request_id, r.action, r.target_kind, r.target_id, \
     r.outcome, r.changes::text AS changes";

/// A list: `select` up to and with a condition, then the conditions of the filter, the order and the limit, with the parameters `$1`
/// to `$9`. Only the conditions that are set are in the text, so that their indexes are used whatever plan is kept for it.
pub(super) fn list<'a>(select: &str, filter: &'a RecordFilter, page: &PageRequest) -> BoxedSql<'a> {
    let conditions = [
        (filter.action.is_some(), "$1::text", "r.action = $1"),
        (filter.actor_id.is_some(), "$2::text", "r.actor_id = $2"),
        (filter.target_id.is_some(), "$3::text", "r.target_id = $3"),
        // As text, so that the index on refused records is used.
        (filter.outcome.is_some(), "$4::text", outcome_condition(filter.outcome.as_deref())),
        (filter.from.is_some(), "$5::timestamptz", "r.occurred_at >= $5"),
        (filter.to.is_some(), "$6::timestamptz", "r.occurred_at < $6"),
        (page.after.is_some(), "$7::timestamptz", "(r.occurred_at, r.id) < ($7, $8)"),
    ];
    let mut text = select.to_owned();
    for (is_set, parameter, condition) in conditions {
        text.push_str(" AND ");
        if is_set {
            text.push_str(condition);
        } else {
            text.push_str(parameter);
            text.push_str(" IS NULL");
        }
    }
    if page.after.is_none() {
        text.push_str(" AND $8::uuid IS NULL");
    }
    text.push_str(" ORDER BY r.occurred_at DESC, r.id DESC LIMIT $9");
    diesel::sql_query(text)
        .into_boxed()
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

fn outcome_condition(outcome: Option<&str>) -> &'static str {
    if outcome == Some("refused") { "r.outcome = 'refused' AND r.outcome = $4" } else { "r.outcome = $4" }
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
    Page::of(records, limit, |record| Cursor::new(record.occurred_at, record.id.as_uuid()))
}
