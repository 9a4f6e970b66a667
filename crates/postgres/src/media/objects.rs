//! Objects, and files that nothing refers to.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::OptionalExtension as _;
use diesel::sql_types::Nullable;
use diesel_async::RunQueryDsl;
use kernel::StoreError;
use kernel::ids::MediaId;
use media::{MediaUsage, NewObject, ObjectRow, Reservation, Sha256};

use super::row::{hashes, sha256, size_column, size_of};
use crate::error::OrStoreError;
use crate::sql::{Id, Prepared, sql, types};
use crate::transaction::{Tenant, Tx};

/// How long an object without files stays after it was reserved.
const RESERVED: TimeDelta = TimeDelta::minutes(10);
/// How long after its reservation an object can be confirmed: well within the time for which it stays.
const CONFIRMABLE: TimeDelta = TimeDelta::minutes(5);

/// The object before the deletion: a claim of the deletion that does not see the object yet holds the lock of its row of the ledger.
const RESERVE: &str = "
INSERT INTO media_objects AS o (tenant_id, sha256, size, reserved_at) VALUES ($1, $2, $3, $4)
    ON CONFLICT (tenant_id, sha256) DO UPDATE SET reserved_at = greatest(o.reserved_at, excluded.reserved_at)
RETURNING written_at IS NOT NULL AS exists";

const LOCK_DELETION: &str = "
SELECT claimed_until IS NOT NULL AS exists FROM media_deletions WHERE tenant_id = $1 AND sha256 = $2 FOR UPDATE";

const CANCEL_DELETION: &str = "DELETE FROM media_deletions WHERE tenant_id = $1 AND sha256 = $2";

const CANCEL_RESERVATION: &str =
    "DELETE FROM media_objects WHERE tenant_id = $1 AND sha256 = $2 AND written_at IS NULL";

const CONFIRM: &str = "
UPDATE media_objects SET written_at = coalesce(written_at, $3)
 WHERE tenant_id = $1 AND sha256 = $2 AND reserved_at > $4";

const USAGE: &str = "
SELECT (SELECT count(*) FROM media WHERE tenant_id = $1 AND state = 'stored') AS files,
       (SELECT coalesce(sum(size), 0)::bigint FROM media_objects WHERE tenant_id = $1 AND written_at IS NOT NULL) AS bytes";

/// Those that messages had, and those that were uploaded and never sent.
const DELETE_UNUSED: &str = "
WITH unlinked AS (
  DELETE FROM media_unlinked WHERE tenant_id = $1 AND media_id IN (
    SELECT media_id FROM media_unlinked WHERE tenant_id = $1 ORDER BY media_id LIMIT $3 FOR UPDATE SKIP LOCKED)
  RETURNING media_id
), unsent AS (
  SELECT f.id FROM media f
   WHERE f.tenant_id = $1 AND f.source = 'uploaded' AND f.created_at < $2
     AND NOT EXISTS (SELECT FROM message_media l WHERE l.tenant_id = $1 AND l.media_id = f.id)
   ORDER BY f.id LIMIT $3
), deleted AS (
  DELETE FROM media f
   WHERE f.tenant_id = $1 AND f.id IN (SELECT media_id FROM unlinked UNION ALL SELECT id FROM unsent)
     AND NOT EXISTS (SELECT FROM message_media l WHERE l.tenant_id = $1 AND l.media_id = f.id)
  RETURNING f.sha256
)
SELECT d.sha256, (SELECT count(*) FROM unlinked) + (SELECT count(*) FROM unsent) AS size FROM (SELECT 1) one LEFT JOIN deleted d ON true";

/// Of all objects if `$2` is null.
const DELETE_OBJECTS: &str = "
WITH unused AS (
  DELETE FROM media_objects o
   WHERE o.tenant_id = $1 AND o.sha256 IN (
     SELECT u.sha256 FROM media_objects u
      WHERE u.tenant_id = $1 AND ($2 IS NULL OR u.sha256 = ANY ($2)) AND u.reserved_at <= $3
        AND NOT EXISTS (SELECT FROM media f WHERE f.tenant_id = $1 AND f.sha256 = u.sha256)
      ORDER BY u.sha256 LIMIT $4 FOR UPDATE SKIP LOCKED)
     AND NOT EXISTS (SELECT FROM media f WHERE f.tenant_id = $1 AND f.sha256 = o.sha256)
  RETURNING o.sha256
)
INSERT INTO media_deletions (tenant_id, sha256, requested_at)
SELECT $1, sha256, $5 FROM unused
    ON CONFLICT (tenant_id, sha256) DO NOTHING";

const DELETE_UNKNOWN: &str = "
INSERT INTO media_deletions (tenant_id, sha256, requested_at)
SELECT $1, found.sha256, $3 FROM unnest($2) AS found (sha256)
 WHERE NOT EXISTS (SELECT FROM media_objects o WHERE o.tenant_id = $1 AND o.sha256 = found.sha256)
    ON CONFLICT (tenant_id, sha256) DO NOTHING
RETURNING sha256, 0::bigint AS size";

const OBJECTS: &str = "
SELECT o.sha256, o.size FROM media_objects o
 WHERE o.tenant_id = $1 AND ($2 IS NULL OR o.sha256 > $2)
   AND EXISTS (SELECT FROM media f WHERE f.tenant_id = $1 AND f.sha256 = o.sha256)
 ORDER BY o.sha256 LIMIT $3";

const MISSING: &str = "
WITH again AS (
  UPDATE media SET state = 'waiting', sha256 = NULL, failures = 0, alike = 0, failure = NULL, ended_at = NULL
   WHERE tenant_id = $1 AND sha256 = $2 AND source = 'received' AND waits_until > $3
  RETURNING id
)
SELECT id FROM again";

/// The next reservation writes it again, for all files that have it.
const FORGET_WRITTEN: &str = "UPDATE media_objects SET written_at = NULL WHERE tenant_id = $1 AND sha256 = $2";

#[derive(diesel::QueryableByName)]
struct Usage {
    #[diesel(sql_type = types::BigInt)]
    files: i64,
    #[diesel(sql_type = types::BigInt)]
    bytes: i64,
}

#[derive(diesel::QueryableByName)]
struct DeletedRow {
    #[diesel(sql_type = Nullable<types::Binary>)]
    sha256: Option<Vec<u8>>,
    #[diesel(sql_type = types::BigInt)]
    size: i64,
}

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = types::Binary)]
    sha256: Vec<u8>,
    #[diesel(sql_type = types::BigInt)]
    size: i64,
}

#[derive(diesel::QueryableByName)]
struct Flag {
    #[diesel(sql_type = types::Bool)]
    exists: bool,
}

pub(super) async fn reserve(
    tx: &mut Tx<Tenant>,
    object: &NewObject,
    now: DateTime<Utc>,
) -> Result<Reservation, StoreError> {
    let (tenant, hash) = (tx.tenant_id(), object.sha256.as_bytes().as_slice());
    let bind = |text: &'static str| sql(text).bind::<types::Uuid, _>(tenant).bind::<types::Binary, _>(hash);
    let reserve = bind(RESERVE).bind::<types::BigInt, _>(size_column(object.size)).bind::<types::Timestamptz, _>(now);
    let Flag { exists } = Prepared(reserve).get_result(tx.connection()).await.or_store_error()?;
    let deletion: Option<Flag> =
        Prepared(bind(LOCK_DELETION)).get_result(tx.connection()).await.optional().or_store_error()?;
    match deletion {
        Some(Flag { exists: true }) => {
            tx.execute(bind(CANCEL_RESERVATION)).await?;
            return Ok(Reservation::BeingDeleted);
        }
        Some(Flag { exists: false }) => {
            tx.execute(bind(CANCEL_DELETION)).await?;
        }
        None => {}
    }
    Ok(if exists { Reservation::Exists } else { Reservation::Write })
}

pub(super) async fn confirm(tx: &mut Tx<Tenant>, hash: &Sha256, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let statement = sql(CONFIRM)
        .bind::<types::Uuid, _>(tx.tenant_id())
        .bind::<types::Binary, _>(hash.as_bytes().as_slice())
        .bind::<types::Timestamptz, _>(now)
        .bind::<types::Timestamptz, _>(now - CONFIRMABLE);
    Ok(tx.execute(statement).await? > 0)
}

pub(super) async fn usage(tx: &mut Tx<Tenant>) -> Result<MediaUsage, StoreError> {
    let statement = sql(USAGE).bind::<types::Uuid, _>(tx.tenant_id());
    let row: Usage = Prepared(statement).get_result(tx.connection()).await.or_store_error()?;
    let count = |number: i64| u64::try_from(number).unwrap_or_default();
    Ok(MediaUsage { files: count(row.files), bytes: count(row.bytes) })
}

pub(super) async fn delete_unused(
    tx: &mut Tx<Tenant>,
    uploaded_before: DateTime<Utc>,
    limit: i64,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let statement = sql(DELETE_UNUSED)
        .bind::<types::Uuid, _>(tx.tenant_id())
        .bind::<types::Timestamptz, _>(uploaded_before)
        .bind::<types::BigInt, _>(limit);
    let rows: Vec<DeletedRow> = Prepared(statement).load(tx.connection()).await.or_store_error()?;
    let seen = rows.as_slice().first().map_or(0, |row| row.size);
    let objects: Vec<Vec<u8>> = rows.into_iter().filter_map(|row| row.sha256).collect();
    if !objects.is_empty() {
        let count = i64::try_from(objects.len()).unwrap_or(i64::MAX);
        delete_objects(tx, Some(objects), count, now).await?;
    }
    Ok(seen >= limit)
}

pub(super) async fn delete_unused_objects(
    tx: &mut Tx<Tenant>,
    limit: i64,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let deleted = delete_objects(tx, None, limit, now).await?;
    Ok(i64::try_from(deleted).is_ok_and(|deleted| deleted >= limit))
}

async fn delete_objects(
    tx: &mut Tx<Tenant>,
    only: Option<Vec<Vec<u8>>>,
    limit: i64,
    now: DateTime<Utc>,
) -> Result<usize, StoreError> {
    let statement = sql(DELETE_OBJECTS)
        .bind::<types::Uuid, _>(tx.tenant_id())
        .bind::<Nullable<types::Binaries>, _>(only)
        .bind::<types::Timestamptz, _>(now - RESERVED)
        .bind::<types::BigInt, _>(limit)
        .bind::<types::Timestamptz, _>(now);
    tx.execute(statement).await
}

pub(super) async fn delete_unknown(
    tx: &mut Tx<Tenant>,
    objects: &[Sha256],
    now: DateTime<Utc>,
) -> Result<Vec<Sha256>, StoreError> {
    let statement = sql(DELETE_UNKNOWN)
        .bind::<types::Uuid, _>(tx.tenant_id())
        .bind::<types::Binaries, _>(hashes(objects))
        .bind::<types::Timestamptz, _>(now);
    let rows: Vec<DeletedRow> = Prepared(statement).load(tx.connection()).await.or_store_error()?;
    rows.into_iter().filter_map(|row| row.sha256).map(|hash| sha256(&hash)).collect()
}

pub(super) async fn objects(
    tx: &mut Tx<Tenant>,
    after: Option<&Sha256>,
    limit: i64,
) -> Result<Vec<ObjectRow>, StoreError> {
    let statement = sql(OBJECTS)
        .bind::<types::Uuid, _>(tx.tenant_id())
        .bind::<Nullable<types::Binary>, _>(after.map(|hash| hash.as_bytes().as_slice()))
        .bind::<types::BigInt, _>(limit);
    let rows: Vec<Row> = Prepared(statement).load(tx.connection()).await.or_store_error()?;
    let object = |row: Row| Ok(ObjectRow { sha256: sha256(&row.sha256)?, size: size_of(row.size)? });
    rows.into_iter().map(object).collect()
}

pub(super) async fn missing(
    tx: &mut Tx<Tenant>,
    hash: &Sha256,
    now: DateTime<Utc>,
) -> Result<Vec<MediaId>, StoreError> {
    let tenant = tx.tenant_id();
    let bind = |text: &'static str| {
        sql(text).bind::<types::Uuid, _>(tenant).bind::<types::Binary, _>(hash.as_bytes().as_slice())
    };
    let again = bind(MISSING).bind::<types::Timestamptz, _>(now);
    let rows: Vec<Id> = Prepared(again).load(tx.connection()).await.or_store_error()?;
    tx.execute(bind(FORGET_WRITTEN)).await?;
    Ok(rows.into_iter().map(|row| MediaId::from_uuid(row.id)).collect())
}
