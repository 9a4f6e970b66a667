use async_trait::async_trait;
use billing::{BillingDirectory, UsageHousekeeping};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::sql_types::Nullable;
use diesel_async::RunQueryDsl;
use kernel::StoreError;
use kernel::ids::{InvoiceId, TenantId};
use uuid::Uuid;

use crate::error::OrStoreError;
use crate::sql::{Count, Prepared, sql, types};
use crate::transaction::{Platform, Tx};

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = types::Uuid)]
    tenant_id: Uuid,
}

#[derive(diesel::QueryableByName)]
struct OwnerRow {
    #[diesel(sql_type = Nullable<types::Uuid>)]
    tenant_id: Option<Uuid>,
}

#[async_trait]
impl BillingDirectory for Tx<Platform> {
    async fn tenants_to_bill(
        &mut self,
        day: NaiveDate,
        now: DateTime<Utc>,
        after: Option<TenantId>,
        limit: i32,
    ) -> Result<Vec<TenantId>, StoreError> {
        // Smaller than all tenant ids.
        let after = after.map_or_else(Uuid::nil, TenantId::as_uuid);
        let statement = sql("SELECT tenant_id FROM app.tenants_to_bill($1, $2, $3, $4)")
            .bind::<types::Date, _>(day)
            .bind::<types::Timestamptz, _>(now)
            .bind::<types::Uuid, _>(after)
            .bind::<types::Integer, _>(limit);
        let rows: Vec<Row> = Prepared(statement).load(self.connection()).await.or_store_error()?;
        Ok(rows.into_iter().map(|row| TenantId::from_uuid(row.tenant_id)).collect())
    }

    async fn tenant_of_invoice(&mut self, id: InvoiceId) -> Result<Option<TenantId>, StoreError> {
        let statement = sql("SELECT app.tenant_of_invoice($1) AS tenant_id").bind::<types::Uuid, _>(id.as_uuid());
        let row: OwnerRow = Prepared(statement).get_result(self.connection()).await.or_store_error()?;
        Ok(row.tenant_id.map(TenantId::from_uuid))
    }
}

#[async_trait]
impl UsageHousekeeping for Tx<Platform> {
    async fn purge_usage_details(&mut self, before: NaiveDate, limit: i64) -> Result<usize, StoreError> {
        let statement = sql("SELECT app.purge_usage_contacts($1, $2) AS count")
            .bind::<types::Date, _>(before)
            .bind::<types::BigInt, _>(limit);
        let Count { count } = Prepared(statement).get_result(self.connection()).await.or_store_error()?;
        Ok(usize::try_from(count).unwrap_or_default())
    }
}
