use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::sql_types::Nullable;
use kernel::StoreError;
use outbound::TemplateEventRepo;
use outbound::template::TemplateChange;

use crate::error::OrStoreError;
use crate::outbound::pauses;
use crate::sql::{Exists, Prepared, sql, types};
use crate::transaction::{Tenant, Tx};
use diesel_async::RunQueryDsl;

/// Events arrive in any order; the latest counts, and one that is as late as it. A list of Meta's that is later than an event counts
/// more; Meta's clock and ours may differ by some minutes.
const CHANGE: &str = "
WITH changed AS (
  UPDATE templates
     SET status = coalesce($5, status), rejection_reason = CASE WHEN $5 IS NULL THEN rejection_reason ELSE $6 END,
         quality = coalesce($7, quality), category = coalesce($8, category), event_at = greatest(event_at, $4)
   WHERE tenant_id = $1 AND waba_id = $2 AND meta_id = $3
     AND coalesce(event_at <= $4, true) AND synced_at - interval '10 minutes' <= $4
)
SELECT EXISTS (SELECT FROM templates WHERE tenant_id = $1 AND waba_id = $2 AND meta_id = $3) AS exists";

#[async_trait]
impl TemplateEventRepo for Tx<Tenant> {
    async fn change_template(
        &mut self,
        waba_id: &str,
        meta_id: &str,
        change: &TemplateChange,
        occurred_at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let (mut status, mut reason, mut quality, mut category) = (None, None, None, None);
        match change {
            TemplateChange::Status(new, why) => (status, reason) = (Some(new.into_str()), why.as_deref()),
            TemplateChange::Quality(new) => quality = Some(new.into_str()),
            TemplateChange::Category(new) => category = Some(new.into_str()),
            TemplateChange::Components => {}
        }
        let statement = sql(CHANGE)
            .bind::<types::Uuid, _>(self.tenant_id())
            .bind::<types::Text, _>(waba_id)
            .bind::<types::Text, _>(meta_id)
            .bind::<types::Timestamptz, _>(occurred_at)
            .bind::<Nullable<types::Text>, _>(status)
            .bind::<Nullable<types::Text>, _>(reason)
            .bind::<Nullable<types::Text>, _>(quality)
            .bind::<Nullable<types::Text>, _>(category);
        let found: Exists = Prepared(statement).get_result(self.connection()).await.or_store_error()?;
        if matches!(change, TemplateChange::Status(status, _) if status.is_usable()) {
            pauses::end_of_templates(self, waba_id, occurred_at).await?;
        }
        Ok(found.exists)
    }
}
