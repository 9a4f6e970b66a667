use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::sql_types::Nullable;
use kernel::StoreError;
use kernel::ids::TenantId;
use outbound::TemplateSyncDirectory;

use crate::error::OrStoreError;
use crate::sql::{Id, Prepared, sql, types};
use crate::transaction::{Platform, Tx};
use diesel_async::RunQueryDsl;

const DUE: &str = "
SELECT t.id FROM tenants t
 WHERE t.status = 'active' AND ($1 IS NULL OR t.id > $1)
   AND EXISTS (
     SELECT FROM whatsapp_accounts a
       JOIN account_credentials c ON c.tenant_id = a.tenant_id AND c.account_id = a.id AND c.check_due_at IS NOT NULL
       LEFT JOIN template_syncs s ON s.tenant_id = a.tenant_id AND s.waba_id = a.waba_id
      WHERE a.tenant_id = t.id AND a.status = 'active' AND coalesce(s.due_at <= $2, true))
 ORDER BY t.id
 LIMIT $3";

#[async_trait]
impl TemplateSyncDirectory for Tx<Platform> {
    async fn tenants_with_due_template_syncs(
        &mut self,
        after: Option<TenantId>,
        now: DateTime<Utc>,
        limit: i64,
    ) -> Result<Vec<TenantId>, StoreError> {
        let statement = sql(DUE)
            .bind::<Nullable<types::Uuid>, _>(after.map(TenantId::as_uuid))
            .bind::<types::Timestamptz, _>(now)
            .bind::<types::BigInt, _>(limit);
        let rows: Vec<Id> = Prepared(statement).load(self.connection()).await.or_store_error()?;
        Ok(rows.into_iter().map(|row| TenantId::from_uuid(row.id)).collect())
    }
}
