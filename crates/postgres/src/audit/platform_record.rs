use std::sync::LazyLock;

use async_trait::async_trait;
use audit::{PlatformAuditReader, PlatformAuditRepo, Record, RecordFilter, StoredRecord, UnsealedDirectory};
use diesel_async::RunQueryDsl;
use kernel::ids::TenantId;
use kernel::{Page, PageRequest, StoreError};
use uuid::Uuid;

use super::row::{FILTER_AND_PAGE, RECORD_COLUMNS, RecordRow, bind_record, list, page};
use crate::error::OrStoreError;
use crate::sql::{Prepared, boxed_sql, sql, types};
use crate::transaction::{Platform, Tx};

const APPEND: &str = "
INSERT INTO platform_audit_records
  (id, occurred_at, actor_kind, actor_id, address, request_id, action, target_kind, target_id, outcome, changes)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::json)";

static LIST: LazyLock<String> = LazyLock::new(|| {
    format!("SELECT NULL::bigint AS sequence, {RECORD_COLUMNS} FROM platform_audit_records r WHERE {FILTER_AND_PAGE}")
});

const TENANTS_WITH_UNSEALED_RECORDS: &str = "SELECT DISTINCT tenant_id FROM audit_unsealed LIMIT $1";

#[derive(diesel::QueryableByName)]
struct TenantRow {
    #[diesel(sql_type = types::Uuid)]
    tenant_id: Uuid,
}

#[async_trait]
impl<Scope: Send> PlatformAuditRepo for Tx<Scope> {
    async fn append_platform_audit_record(&mut self, record: &Record) -> Result<(), StoreError> {
        self.execute(bind_record(boxed_sql(APPEND), record)).await?;
        Ok(())
    }
}

#[async_trait]
impl PlatformAuditReader for Tx<Platform> {
    async fn platform_audit_records(
        &mut self,
        filter: &RecordFilter,
        request: &PageRequest,
    ) -> Result<Page<StoredRecord>, StoreError> {
        let statement = list(&LIST, filter, request);
        let rows: Vec<RecordRow> = Prepared(statement).load(self.connection()).await.or_store_error()?;
        Ok(page(rows, request.limit))
    }
}

#[async_trait]
impl UnsealedDirectory for Tx<Platform> {
    async fn tenants_with_unsealed_records(&mut self, limit: i64) -> Result<Vec<TenantId>, StoreError> {
        let statement = Prepared(sql(TENANTS_WITH_UNSEALED_RECORDS).bind::<types::BigInt, _>(limit));
        let rows: Vec<TenantRow> = statement.load(self.connection()).await.or_store_error()?;
        Ok(rows.into_iter().map(|row| TenantId::from_uuid(row.tenant_id)).collect())
    }
}
