use std::sync::LazyLock;

use async_trait::async_trait;
use audit::{AuditRepo, Log, Record, RecordFilter, StoredRecord};
use diesel_async::RunQueryDsl;
use kernel::{Page, PageRequest, StoreError};

use super::row::{RECORD_COLUMNS, RecordRow, bind_record, list, page, sign};
use crate::error::OrStoreError;
use crate::sql::{Prepared, boxed_sql, types};
use crate::transaction::{Tenant, Tx};

const APPEND: &str = "
WITH added AS (
  INSERT INTO audit_records
    (tenant_id, id, occurred_at, actor_kind, actor_id, address, request_id, action, target_kind, target_id, outcome, changes,
     mac_key_id, mac)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::json, $13, $14)
  RETURNING tenant_id, id
)
INSERT INTO audit_unsealed (tenant_id, record_id) SELECT tenant_id, id FROM added";

static LIST: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT s.sequence, {RECORD_COLUMNS} \
           FROM audit_records r LEFT JOIN audit_seals s ON s.tenant_id = r.tenant_id AND s.record_id = r.id \
          WHERE r.tenant_id = $10"
    )
});

#[async_trait]
impl AuditRepo for Tx<Tenant> {
    async fn append_audit_record(&mut self, record: &Record) -> Result<(), StoreError> {
        let record = sign(self.key_ring(), Log::Tenant(self.scope().id()), record)?;
        let statement = bind_record(boxed_sql(APPEND).bind::<types::Uuid, _>(self.tenant_id()), &record);
        self.execute(statement).await?;
        Ok(())
    }

    async fn audit_records(
        &mut self,
        filter: &RecordFilter,
        request: &PageRequest,
    ) -> Result<Page<StoredRecord>, StoreError> {
        let statement = list(&LIST, filter, request).bind::<types::Uuid, _>(self.tenant_id());
        let rows: Vec<RecordRow> = Prepared(statement).load(self.connection()).await.or_store_error()?;
        Ok(page(rows, request.limit))
    }
}
