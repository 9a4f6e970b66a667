//! What concerns the files of all tenants.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::sql_types::Nullable;
use diesel_async::RunQueryDsl;
use kernel::StoreError;
use kernel::ids::TenantId;
use media::{MediaCounts, MediaHousekeeping, MediaLedger, ObjectDeletion};
use uuid::Uuid;

use super::row::sha256;
use crate::error::OrStoreError;
use crate::sql::{Prepared, sql, types};
use crate::tenants;
use crate::transaction::{Platform, Tx};

/// How long the store may take. A claim that has ended is taken again.
const CLAIM: TimeDelta = TimeDelta::minutes(2);

/// An object that was reserved meanwhile stays: its reservation deletes the row.
const CLAIM_DELETIONS: &str = "
UPDATE media_deletions d SET claimed_until = statement_timestamp() + $3
  FROM (SELECT c.tenant_id, c.sha256 FROM media_deletions c
         WHERE c.requested_at <= $1 AND (c.claimed_until IS NULL OR c.claimed_until < statement_timestamp())
           AND NOT EXISTS (SELECT FROM media_objects o WHERE o.tenant_id = c.tenant_id AND o.sha256 = c.sha256)
         ORDER BY c.requested_at LIMIT $2 FOR UPDATE SKIP LOCKED) AS free
 WHERE d.tenant_id = free.tenant_id AND d.sha256 = free.sha256
RETURNING d.tenant_id, d.sha256";

const DELETED: &str = "
DELETE FROM media_deletions WHERE tenant_id = $1 AND sha256 = $2 AND claimed_until IS NOT NULL";

const COUNT: &str = "
SELECT count(*) AS waiting, min(sent_at) AS oldest_waiting,
       count(*) FILTER (WHERE failure IN ('no_token', 'token_refused')) AS without_token,
       (SELECT count(*) FROM media_deletions) AS deletions,
       (SELECT min(requested_at) FROM media_deletions) AS oldest_deletion
  FROM media WHERE state = 'waiting'";

const TENANTS_WITH_UNLINKED: &str = "
SELECT DISTINCT tenant_id AS id FROM media_unlinked WHERE tenant_id > $1 ORDER BY tenant_id LIMIT $2";

const ALL_TENANTS: &str = "SELECT id FROM tenants WHERE id > $1 ORDER BY id LIMIT $2";

const TENANTS: &str = "
SELECT t.id FROM tenants t
 WHERE t.id > $1
   AND (EXISTS (SELECT FROM media f WHERE f.tenant_id = t.id) OR EXISTS (SELECT FROM media_objects o WHERE o.tenant_id = t.id))
 ORDER BY t.id LIMIT $2";

#[derive(diesel::QueryableByName)]
struct DeletionRow {
    #[diesel(sql_type = types::Uuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = types::Binary)]
    sha256: Vec<u8>,
}

#[derive(diesel::QueryableByName)]
struct CountsRow {
    #[diesel(sql_type = types::BigInt)]
    waiting: i64,
    #[diesel(sql_type = Nullable<types::Timestamptz>)]
    oldest_waiting: Option<DateTime<Utc>>,
    #[diesel(sql_type = types::BigInt)]
    without_token: i64,
    #[diesel(sql_type = types::BigInt)]
    deletions: i64,
    #[diesel(sql_type = Nullable<types::Timestamptz>)]
    oldest_deletion: Option<DateTime<Utc>>,
}

#[async_trait]
impl MediaLedger for Tx<Platform> {
    async fn claim_object_deletions(
        &mut self,
        now: DateTime<Utc>,
        limit: i64,
    ) -> Result<Vec<ObjectDeletion>, StoreError> {
        let statement = sql(CLAIM_DELETIONS)
            .bind::<types::Timestamptz, _>(now)
            .bind::<types::BigInt, _>(limit)
            .bind::<types::Interval, _>(CLAIM);
        let rows: Vec<DeletionRow> = Prepared(statement).load(self.connection()).await.or_store_error()?;
        let deletion = |row: DeletionRow| {
            Ok(ObjectDeletion { tenant: TenantId::from_uuid(row.tenant_id), sha256: sha256(&row.sha256)? })
        };
        rows.into_iter().map(deletion).collect()
    }

    async fn object_deleted(&mut self, deletion: &ObjectDeletion) -> Result<(), StoreError> {
        let statement = sql(DELETED)
            .bind::<types::Uuid, _>(deletion.tenant.as_uuid())
            .bind::<types::Binary, _>(deletion.sha256.as_bytes().as_slice());
        self.execute(statement).await?;
        Ok(())
    }

    async fn count_media(&mut self) -> Result<MediaCounts, StoreError> {
        let row: CountsRow = Prepared(sql(COUNT)).get_result(self.connection()).await.or_store_error()?;
        Ok(MediaCounts {
            waiting: row.waiting,
            oldest_waiting: row.oldest_waiting,
            without_token: row.without_token,
            deletions: row.deletions,
            oldest_deletion: row.oldest_deletion,
        })
    }
}

#[async_trait]
impl MediaHousekeeping for Tx<Platform> {
    async fn tenants_with_unlinked_media(
        &mut self,
        after: Option<TenantId>,
        limit: i32,
    ) -> Result<Vec<TenantId>, StoreError> {
        tenants::after(self, TENANTS_WITH_UNLINKED, after, limit).await
    }

    async fn all_tenants(&mut self, after: Option<TenantId>, limit: i32) -> Result<Vec<TenantId>, StoreError> {
        tenants::after(self, ALL_TENANTS, after, limit).await
    }

    async fn tenants_with_media(&mut self, after: Option<TenantId>, limit: i32) -> Result<Vec<TenantId>, StoreError> {
        tenants::after(self, TENANTS, after, limit).await
    }
}
