use async_trait::async_trait;
use audit::{Log, PurgeRepo, SummarisedRecords};
use chrono::{DateTime, Utc};
use diesel::sql_types::Nullable;
use diesel_async::RunQueryDsl;
use kernel::StoreError;
use kernel::ids::TenantId;
use uuid::Uuid;

use super::directory::TenantRow;
use crate::error::OrStoreError;
use crate::sql::{Count, Prepared, boxed_sql, sql, types};
use crate::transaction::{Platform, Tx};

const PURGE: &str = "SELECT app.purge_audit_records($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) AS count";

#[async_trait]
impl PurgeRepo for Tx<Platform> {
    async fn tenants_with_old_records(
        &mut self,
        sealed_before: DateTime<Utc>,
        after: Option<TenantId>,
        limit: i32,
    ) -> Result<Vec<TenantId>, StoreError> {
        // Smaller than all tenant ids.
        let after = after.map_or_else(Uuid::nil, TenantId::as_uuid);
        let statement = sql("SELECT tenant_id FROM app.tenants_with_old_audit_records($1, $2, $3)")
            .bind::<types::Uuid, _>(after)
            .bind::<types::Timestamptz, _>(sealed_before)
            .bind::<types::Integer, _>(limit);
        let rows: Vec<TenantRow> = Prepared(statement).load(self.connection()).await.or_store_error()?;
        Ok(rows.into_iter().map(TenantId::from).collect())
    }

    async fn purge_audit_records(
        &mut self,
        log: Log,
        records: &SummarisedRecords,
        before: DateTime<Utc>,
    ) -> Result<i64, StoreError> {
        let tenant = match log {
            Log::Tenant(tenant) => Some(tenant.as_uuid()),
            Log::Platform => None,
        };
        let (covered, mac) = (&records.summary.covered, &records.summary.mac);
        let statement = boxed_sql(PURGE)
            .bind::<Nullable<types::Uuid>, _>(tenant)
            .bind::<types::BigInt, _>(records.after)
            .bind::<types::Timestamptz, _>(before)
            .bind::<types::BigInt, _>(covered.sequence)
            .bind::<types::Binary, _>(&covered.hash)
            .bind::<types::BigInt, _>(covered.records)
            .bind::<types::BigInt, _>(covered.unsigned)
            .bind::<types::BigInt, _>(covered.forged)
            .bind::<types::Timestamptz, _>(covered.first_at)
            .bind::<types::Timestamptz, _>(covered.last_at)
            .bind::<types::Text, _>(&mac.key_id)
            .bind::<types::Binary, _>(&mac.bytes);
        let Count { count } = Prepared(statement).get_result(self.connection()).await.or_store_error()?;
        Ok(count)
    }
}
