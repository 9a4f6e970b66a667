use async_trait::async_trait;
use audit::UnsealedDirectory;
use diesel::sql_types::Nullable;
use diesel_async::RunQueryDsl;
use kernel::StoreError;
use kernel::ids::{AuditRecordId, TenantId};
use uuid::Uuid;

use crate::error::OrStoreError;
use crate::sql::{Prepared, sql, types};
use crate::transaction::{Platform, Tx};

const TENANTS_WITH_UNSEALED_RECORDS: &str = "
SELECT DISTINCT tenant_id FROM audit_unsealed
 WHERE $1::uuid IS NULL OR tenant_id > $1 ORDER BY tenant_id LIMIT $2";

/// `least` ignores nulls.
const OLDEST_UNSEALED_RECORD: &str = "
SELECT least((SELECT record_id FROM audit_unsealed ORDER BY record_id LIMIT 1),
             (SELECT record_id FROM platform_audit_unsealed ORDER BY record_id LIMIT 1)) AS record_id";

#[derive(diesel::QueryableByName)]
pub(super) struct TenantRow {
    #[diesel(sql_type = types::Uuid)]
    tenant_id: Uuid,
}

#[derive(diesel::QueryableByName)]
struct OldestRow {
    #[diesel(sql_type = Nullable<types::Uuid>)]
    record_id: Option<Uuid>,
}

impl From<TenantRow> for TenantId {
    fn from(row: TenantRow) -> Self {
        Self::from_uuid(row.tenant_id)
    }
}

#[async_trait]
impl UnsealedDirectory for Tx<Platform> {
    async fn tenants_with_unsealed_records(
        &mut self,
        after: Option<TenantId>,
        limit: i64,
    ) -> Result<Vec<TenantId>, StoreError> {
        let statement = sql(TENANTS_WITH_UNSEALED_RECORDS)
            .bind::<Nullable<types::Uuid>, _>(after.map(TenantId::as_uuid))
            .bind::<types::BigInt, _>(limit);
        let rows: Vec<TenantRow> = Prepared(statement).load(self.connection()).await.or_store_error()?;
        Ok(rows.into_iter().map(TenantId::from).collect())
    }

    async fn oldest_unsealed_record(&mut self) -> Result<Option<AuditRecordId>, StoreError> {
        let statement = Prepared(sql(OLDEST_UNSEALED_RECORD));
        let OldestRow { record_id } = statement.get_result(self.connection()).await.or_store_error()?;
        Ok(record_id.map(AuditRecordId::from_uuid))
    }
}
