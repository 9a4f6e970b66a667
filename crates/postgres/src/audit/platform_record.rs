use std::sync::LazyLock;

use async_trait::async_trait;
use audit::{Log, PlatformAuditReader, PlatformAuditRepo, Record, RecordFilter, StoredRecord};
use diesel_async::RunQueryDsl;
use kernel::{Page, PageRequest, StoreError};

use super::row::{RECORD_COLUMNS, RecordRow, bind_record, list, page, sign};
use crate::error::OrStoreError;
use crate::sql::{Prepared, boxed_sql};
use crate::transaction::{Platform, Tx};

const APPEND: &str = "
INSERT INTO platform_audit_records
  (id, occurred_at, actor_kind, actor_id, address, request_id, action, target_kind, target_id, outcome, changes, mac_key_id,
   mac)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::json, $12, $13)";

static LIST: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT s.sequence, {RECORD_COLUMNS} \
           FROM platform_audit_records r LEFT JOIN platform_audit_seals s ON s.record_id = r.id WHERE true"
    )
});

#[async_trait]
impl<Scope: Send> PlatformAuditRepo for Tx<Scope> {
    async fn append_platform_audit_record(&mut self, record: &Record) -> Result<(), StoreError> {
        let record = sign(self.key_ring(), Log::Platform, record)?;
        self.execute(bind_record(boxed_sql(APPEND), &record)).await?;
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
