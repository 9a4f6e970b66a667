use std::collections::HashMap;

use async_trait::async_trait;
use audit::{
    AuditChainRepo, Log, LogSummary, Provenance, Seal, StoredRecord, SummaryOfRecords, UnsealableRecord, UnsealedRecord,
};
use chrono::{DateTime, Utc};
use diesel::sql_types::Nullable;
use diesel::{OptionalExtension, QueryableByName};
use diesel_async::RunQueryDsl;
use kernel::StoreError;
use kernel::ids::AuditRecordId;
use kernel::seal::Tag;
use uuid::Uuid;

use super::chain_sql::{ChainSql, LogScope};
use super::row::RecordRow;
use crate::closed_set::parse_optional;
use crate::error::OrStoreError;
use crate::sql::{BoxedSql, Count, Id, Prepared, boxed_sql, types};
use crate::transaction::Tx;

/// Does not wait: the holder of the lock seals all records.
const LOCK_AUDIT_CHAIN: &str = "SELECT pg_try_advisory_xact_lock(hashtextextended('parley.audit.' || coalesce($1::text, 'platform'), 0)) AS locked";

#[derive(QueryableByName)]
struct Locked {
    #[diesel(sql_type = types::Bool)]
    locked: bool,
}

#[derive(QueryableByName)]
struct SealRow {
    #[diesel(sql_type = types::BigInt)]
    sequence: i64,
    #[diesel(sql_type = types::Uuid)]
    record_id: Uuid,
    #[diesel(sql_type = types::Text)]
    key_id: String,
    #[diesel(sql_type = types::Binary)]
    hash: Vec<u8>,
    #[diesel(sql_type = types::Timestamptz)]
    sealed_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<types::Text>)]
    provenance: Option<String>,
}

#[derive(QueryableByName)]
struct UnsealedRow {
    #[diesel(embed)]
    record: RecordRow,
    #[diesel(sql_type = Nullable<types::Text>)]
    mac_key_id: Option<String>,
    #[diesel(sql_type = Nullable<types::Binary>)]
    mac: Option<Vec<u8>>,
}

#[derive(QueryableByName)]
struct UnsealableRow {
    #[diesel(sql_type = types::Uuid)]
    record_id: Uuid,
    #[diesel(sql_type = Nullable<types::Text>)]
    mac_key_id: Option<String>,
}

#[derive(QueryableByName)]
struct SummaryRow {
    #[diesel(sql_type = types::BigInt)]
    sequence: i64,
    #[diesel(sql_type = types::Binary)]
    hash: Vec<u8>,
    #[diesel(sql_type = types::BigInt)]
    records: i64,
    #[diesel(sql_type = types::BigInt)]
    unsigned: i64,
    #[diesel(sql_type = types::BigInt)]
    forged: i64,
    #[diesel(sql_type = types::Timestamptz)]
    first_at: DateTime<Utc>,
    #[diesel(sql_type = types::Timestamptz)]
    last_at: DateTime<Utc>,
    #[diesel(sql_type = types::Text)]
    mac_key_id: String,
    #[diesel(sql_type = types::Binary)]
    mac: Vec<u8>,
}

impl<Scope: LogScope> Tx<Scope> {
    /// A statement on the chain of the transaction's log, with its tenant bound.
    fn chain<'a>(&self, statement: fn(&'static ChainSql) -> &'static String) -> BoxedSql<'a> {
        self.of_log(statement(Scope::chain_sql()))
    }

    fn of_log<'a>(&self, statement: &'static str) -> BoxedSql<'a> {
        let tenant = match self.scope().log() {
            Log::Tenant(tenant) => Some(tenant.as_uuid()),
            Log::Platform => None,
        };
        boxed_sql(statement).bind::<Nullable<types::Uuid>, _>(tenant)
    }
}

#[async_trait]
impl<Scope: LogScope> AuditChainRepo for Tx<Scope> {
    fn log(&self) -> Log {
        self.scope().log()
    }

    async fn lock_audit_chain(&mut self) -> Result<bool, StoreError> {
        let statement = Prepared(self.of_log(LOCK_AUDIT_CHAIN));
        let Locked { locked } = statement.get_result(self.connection()).await.or_store_error()?;
        Ok(locked)
    }

    async fn last_audit_seal(&mut self) -> Result<Option<Seal>, StoreError> {
        let statement = Prepared(self.chain(|sql| &sql.last_seal));
        let row: Option<SealRow> = statement.get_result(self.connection()).await.optional().or_store_error()?;
        row.map(Seal::try_from).transpose()
    }

    async fn unsealed_audit_records(
        &mut self,
        key_ids: &[&str],
        limit: i64,
    ) -> Result<Vec<UnsealedRecord>, StoreError> {
        let statement =
            self.chain(|sql| &sql.unsealed).bind::<types::Texts, _>(key_ids.to_vec()).bind::<types::BigInt, _>(limit);
        let rows: Vec<UnsealedRow> = Prepared(statement).load(self.connection()).await.or_store_error()?;
        Ok(rows.into_iter().map(UnsealedRecord::from).collect())
    }

    async fn unsealable_audit_records(
        &mut self,
        key_ids: &[&str],
        limit: i64,
    ) -> Result<Vec<UnsealableRecord>, StoreError> {
        let statement =
            self.chain(|sql| &sql.unsealable).bind::<types::Texts, _>(key_ids.to_vec()).bind::<types::BigInt, _>(limit);
        let rows: Vec<UnsealableRow> = Prepared(statement).load(self.connection()).await.or_store_error()?;
        let unsealable = |row: UnsealableRow| UnsealableRecord {
            record: AuditRecordId::from_uuid(row.record_id),
            key_id: row.mac_key_id,
        };
        Ok(rows.into_iter().map(unsealable).collect())
    }

    async fn insert_audit_seals(&mut self, seals: &[Seal]) -> Result<(), StoreError> {
        let sequences: Vec<i64> = seals.iter().map(|seal| seal.sequence).collect();
        let records: Vec<Uuid> = seals.iter().map(|seal| seal.record.as_uuid()).collect();
        let keys: Vec<&str> = seals.iter().map(|seal| seal.tag.key_id.as_str()).collect();
        let hashes: Vec<&[u8]> = seals.iter().map(|seal| seal.tag.bytes.as_slice()).collect();
        let times: Vec<DateTime<Utc>> = seals.iter().map(|seal| seal.sealed_at).collect();
        let provenances: Vec<Option<&str>> =
            seals.iter().map(|seal| seal.provenance.as_ref().map(Provenance::into_str)).collect();
        let statement = self
            .chain(|sql| &sql.insert)
            .bind::<types::BigInts, _>(sequences)
            .bind::<types::Uuids, _>(records)
            .bind::<types::Texts, _>(keys)
            .bind::<types::Binaries, _>(hashes)
            .bind::<types::Times, _>(times)
            .bind::<types::MaybeTexts, _>(provenances);
        self.execute(statement).await?;
        Ok(())
    }

    async fn sealed_audit_records(
        &mut self,
        after: i64,
        limit: i64,
    ) -> Result<Vec<(Seal, Option<StoredRecord>)>, StoreError> {
        let statement = self.chain(|sql| &sql.seals).bind::<types::BigInt, _>(after).bind::<types::BigInt, _>(limit);
        let seals: Vec<SealRow> = Prepared(statement).load(self.connection()).await.or_store_error()?;
        let ids: Vec<Uuid> = seals.iter().map(|seal| seal.record_id).collect();
        let statement = self.chain(|sql| &sql.records).bind::<types::Uuids, _>(ids);
        let records: Vec<RecordRow> = Prepared(statement).load(self.connection()).await.or_store_error()?;
        let mut records: HashMap<AuditRecordId, StoredRecord> =
            records.into_iter().map(StoredRecord::from).map(|record| (record.id, record)).collect();
        let sealed = |row: SealRow| {
            let seal = Seal::try_from(row)?;
            let record = records.remove(&seal.record);
            Ok((seal, record))
        };
        seals.into_iter().map(sealed).collect()
    }

    async fn audit_summary(&mut self) -> Result<Option<LogSummary>, StoreError> {
        let statement = Prepared(self.chain(|sql| &sql.summary));
        let row: Option<SummaryRow> = statement.get_result(self.connection()).await.optional().or_store_error()?;
        Ok(row.map(LogSummary::from))
    }

    async fn count_unsealed_audit_records(&mut self) -> Result<u64, StoreError> {
        let statement = Prepared(self.chain(|sql| &sql.count_unsealed));
        let Count { count } = statement.get_result(self.connection()).await.or_store_error()?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    async fn unsequenced_audit_records(&mut self, limit: i64) -> Result<Vec<AuditRecordId>, StoreError> {
        let statement = self.chain(|sql| &sql.unsequenced).bind::<types::BigInt, _>(limit);
        let rows: Vec<Id> = Prepared(statement).load(self.connection()).await.or_store_error()?;
        Ok(rows.into_iter().map(|row| AuditRecordId::from_uuid(row.id)).collect())
    }
}

impl From<SummaryRow> for LogSummary {
    fn from(row: SummaryRow) -> Self {
        let SummaryRow { sequence, hash, records, unsigned, forged, first_at, last_at, mac_key_id, mac } = row;
        Self {
            covered: SummaryOfRecords { sequence, hash, records, unsigned, forged, first_at, last_at },
            mac: Tag { key_id: mac_key_id, bytes: mac },
        }
    }
}

impl TryFrom<SealRow> for Seal {
    type Error = StoreError;

    fn try_from(row: SealRow) -> Result<Self, StoreError> {
        Ok(Self {
            sequence: row.sequence,
            record: AuditRecordId::from_uuid(row.record_id),
            tag: Tag { key_id: row.key_id, bytes: row.hash },
            sealed_at: row.sealed_at,
            provenance: parse_optional(row.provenance.as_deref(), "provenance")?,
        })
    }
}

impl From<UnsealedRow> for UnsealedRecord {
    fn from(row: UnsealedRow) -> Self {
        Self {
            record: row.record.into(),
            mac: row.mac_key_id.zip(row.mac).map(|(key_id, bytes)| Tag { key_id, bytes }),
        }
    }
}
