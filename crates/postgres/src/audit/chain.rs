use std::collections::HashMap;
use std::sync::LazyLock;

use async_trait::async_trait;
use audit::{AuditChainRepo, Seal, StoredRecord};
use chrono::{DateTime, Utc};
use diesel::OptionalExtension;
use diesel_async::RunQueryDsl;
use kernel::StoreError;
use kernel::ids::AuditRecordId;
use kernel::seal::Tag;
use uuid::Uuid;

use super::row::{RECORD_COLUMNS, RecordRow};
use crate::error::OrStoreError;
use crate::sql::{Count, Id, Prepared, sql, types};
use crate::transaction::{Tenant, Tx};

/// Does not wait: the holder of the lock seals all records.
const LOCK_AUDIT_CHAIN: &str =
    "SELECT pg_try_advisory_xact_lock(hashtextextended('parley.audit.' || $1::text, 0)) AS locked";

const LAST_AUDIT_SEAL: &str = "
SELECT sequence, record_id, key_id, hash FROM audit_seals WHERE tenant_id = $1 ORDER BY sequence DESC LIMIT 1";

/// Starts from the few unsealed ids. Without MATERIALIZED and LATERAL the planner may scan all records of the tenant in the
/// requested order and check each for a seal.
static UNSEALED_AUDIT_RECORDS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "WITH unsealed AS MATERIALIZED (SELECT record_id FROM audit_unsealed WHERE tenant_id = $1) \
         SELECT NULL::bigint AS sequence, {RECORD_COLUMNS} FROM unsealed u \
          CROSS JOIN LATERAL (SELECT * FROM audit_records WHERE tenant_id = $1 AND id = u.record_id OFFSET 0) r \
          ORDER BY r.occurred_at, r.id LIMIT $2"
    )
});

const INSERT: &str = "
WITH seals AS (
  INSERT INTO audit_seals (tenant_id, sequence, record_id, key_id, hash, sealed_at)
  SELECT $1, sequence, record_id, key_id, hash, $6
    FROM unnest($2, $3, $4, $5) AS input (sequence, record_id, key_id, hash)
)
DELETE FROM audit_unsealed WHERE tenant_id = $1 AND record_id = ANY ($3)";

const SEALS: &str = "
SELECT sequence, record_id, key_id, hash FROM audit_seals WHERE tenant_id = $1 AND sequence > $2
 ORDER BY sequence LIMIT $3";

static RECORDS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT NULL::bigint AS sequence, {RECORD_COLUMNS} FROM audit_records r WHERE r.tenant_id = $1 AND r.id = ANY ($2)"
    )
});

const COUNT_UNSEALED_AUDIT_RECORDS: &str = "SELECT count(*) AS count FROM audit_unsealed WHERE tenant_id = $1";

const UNSEQUENCED_AUDIT_RECORDS: &str = "
SELECT r.id FROM audit_records r
 WHERE r.tenant_id = $1
   AND NOT EXISTS (SELECT FROM audit_seals s WHERE s.tenant_id = $1 AND s.record_id = r.id)
   AND NOT EXISTS (SELECT FROM audit_unsealed u WHERE u.tenant_id = $1 AND u.record_id = r.id)
 ORDER BY r.id LIMIT $2";

#[derive(diesel::QueryableByName)]
struct Locked {
    #[diesel(sql_type = types::Bool)]
    locked: bool,
}

#[derive(diesel::QueryableByName)]
struct SealRow {
    #[diesel(sql_type = types::BigInt)]
    sequence: i64,
    #[diesel(sql_type = types::Uuid)]
    record_id: Uuid,
    #[diesel(sql_type = types::Text)]
    key_id: String,
    #[diesel(sql_type = types::Binary)]
    hash: Vec<u8>,
}

#[async_trait]
impl AuditChainRepo for Tx<Tenant> {
    async fn lock_audit_chain(&mut self) -> Result<bool, StoreError> {
        let statement = Prepared(sql(LOCK_AUDIT_CHAIN).bind::<types::Uuid, _>(self.tenant_id()));
        let Locked { locked } = statement.get_result(self.connection()).await.or_store_error()?;
        Ok(locked)
    }

    async fn last_audit_seal(&mut self) -> Result<Option<Seal>, StoreError> {
        let statement = Prepared(sql(LAST_AUDIT_SEAL).bind::<types::Uuid, _>(self.tenant_id()));
        let row: Option<SealRow> = statement.get_result(self.connection()).await.optional().or_store_error()?;
        Ok(row.map(Seal::from))
    }

    async fn unsealed_audit_records(&mut self, limit: i64) -> Result<Vec<StoredRecord>, StoreError> {
        let statement =
            sql(&UNSEALED_AUDIT_RECORDS).bind::<types::Uuid, _>(self.tenant_id()).bind::<types::BigInt, _>(limit);
        let rows: Vec<RecordRow> = Prepared(statement).load(self.connection()).await.or_store_error()?;
        Ok(rows.into_iter().map(StoredRecord::from).collect())
    }

    async fn insert_audit_seals(&mut self, seals: &[Seal], now: DateTime<Utc>) -> Result<(), StoreError> {
        let sequences: Vec<i64> = seals.iter().map(|seal| seal.sequence).collect();
        let records: Vec<Uuid> = seals.iter().map(|seal| seal.record.as_uuid()).collect();
        let keys: Vec<&str> = seals.iter().map(|seal| seal.tag.key_id.as_str()).collect();
        let hashes: Vec<&[u8]> = seals.iter().map(|seal| seal.tag.bytes.as_slice()).collect();
        let statement = sql(INSERT)
            .bind::<types::Uuid, _>(self.tenant_id())
            .bind::<types::BigInts, _>(sequences)
            .bind::<types::Uuids, _>(records)
            .bind::<types::Texts, _>(keys)
            .bind::<types::Binaries, _>(hashes)
            .bind::<types::Timestamptz, _>(now);
        self.execute(statement).await?;
        Ok(())
    }

    async fn sealed_audit_records(
        &mut self,
        after: i64,
        limit: i64,
    ) -> Result<Vec<(Seal, Option<StoredRecord>)>, StoreError> {
        let tenant = self.tenant_id();
        let statement =
            sql(SEALS).bind::<types::Uuid, _>(tenant).bind::<types::BigInt, _>(after).bind::<types::BigInt, _>(limit);
        let seals: Vec<SealRow> = Prepared(statement).load(self.connection()).await.or_store_error()?;
        let ids: Vec<Uuid> = seals.iter().map(|seal| seal.record_id).collect();
        let statement = sql(&RECORDS).bind::<types::Uuid, _>(tenant).bind::<types::Uuids, _>(ids);
        let records: Vec<RecordRow> = Prepared(statement).load(self.connection()).await.or_store_error()?;
        let mut records: HashMap<AuditRecordId, StoredRecord> =
            records.into_iter().map(StoredRecord::from).map(|record| (record.id, record)).collect();
        Ok(seals
            .into_iter()
            .map(Seal::from)
            .map(|seal| {
                let record = records.remove(&seal.record);
                (seal, record)
            })
            .collect())
    }

    async fn count_unsealed_audit_records(&mut self) -> Result<u64, StoreError> {
        let statement = Prepared(sql(COUNT_UNSEALED_AUDIT_RECORDS).bind::<types::Uuid, _>(self.tenant_id()));
        let Count { count } = statement.get_result(self.connection()).await.or_store_error()?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    async fn unsequenced_audit_records(&mut self, limit: i64) -> Result<Vec<AuditRecordId>, StoreError> {
        let statement =
            sql(UNSEQUENCED_AUDIT_RECORDS).bind::<types::Uuid, _>(self.tenant_id()).bind::<types::BigInt, _>(limit);
        let rows: Vec<Id> = Prepared(statement).load(self.connection()).await.or_store_error()?;
        Ok(rows.into_iter().map(|row| AuditRecordId::from_uuid(row.id)).collect())
    }
}

impl From<SealRow> for Seal {
    fn from(row: SealRow) -> Self {
        Self {
            sequence: row.sequence,
            record: AuditRecordId::from_uuid(row.record_id),
            tag: Tag { key_id: row.key_id, bytes: row.hash },
        }
    }
}
