use chrono::{DateTime, Utc};
use diesel::sql_types::Nullable;
use kernel::StoreError;
use kernel::ids::TemplateId;
use outbound::SyncCounts;
use outbound::template::Template;
use uuid::Uuid;

use crate::outbound::pauses;
use crate::sql::{sql, types};
use crate::transaction::{Tenant, Tx};

/// An event that is later than the list knows more than the list: status, category and quality stay then. So does what was stored
/// after the list was asked for.
const STORE: &str = "
INSERT INTO templates AS t (tenant_id, id, waba_id, meta_id, name, language, category, status, quality, rejection_reason, format,
                            components, synced_at, created_at)
SELECT $1, l.id, $2, l.meta_id, l.name, l.language, l.category, l.status, l.quality, l.reason, l.format, l.components, $3, $3
  FROM unnest($4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
    AS l (id, meta_id, name, language, category, status, quality, reason, format, components)
    ON CONFLICT (tenant_id, waba_id, meta_id) DO UPDATE
   SET name = excluded.name, language = excluded.language, format = excluded.format, components = excluded.components,
       category = CASE WHEN t.event_at > $3 THEN t.category ELSE excluded.category END,
       status = CASE WHEN t.event_at > $3 THEN t.status ELSE excluded.status END,
       quality = CASE WHEN t.event_at > $3 THEN t.quality ELSE excluded.quality END,
       rejection_reason = CASE WHEN t.event_at > $3 THEN t.rejection_reason ELSE excluded.rejection_reason END,
       synced_at = excluded.synced_at
 WHERE t.synced_at <= $3";

const DELETE: &str = "
DELETE FROM templates
 WHERE tenant_id = $1 AND waba_id = $2 AND synced_at < $3 AND ($4 IS NULL OR name = $4) AND meta_id <> ALL ($5)";

pub(super) async fn replace(
    tx: &mut Tx<Tenant>,
    waba_id: &str,
    name: Option<&str>,
    listed: &[(TemplateId, Template)],
    listed_at: DateTime<Utc>,
) -> Result<SyncCounts, StoreError> {
    // Two lists that are stored at the same time lock their rows in the same order.
    let mut listed: Vec<&(TemplateId, Template)> = listed.iter().collect();
    listed.sort_unstable_by(|(_, a), (_, b)| a.meta_id.cmp(&b.meta_id));
    listed.dedup_by(|(_, a), (_, b)| a.meta_id == b.meta_id);
    let ids: Vec<Uuid> = listed.iter().map(|(id, _)| id.as_uuid()).collect();
    let texts =
        |text: fn(&Template) -> String| -> Vec<String> { listed.iter().map(|(_, template)| text(template)).collect() };
    let meta_ids = texts(|template| template.meta_id.clone());
    let reasons: Vec<Option<String>> = listed.iter().map(|(_, template)| template.rejection_reason.clone()).collect();
    let statement = sql(STORE)
        .bind::<types::Uuid, _>(tx.tenant_id())
        .bind::<types::Text, _>(waba_id)
        .bind::<types::Timestamptz, _>(listed_at)
        .bind::<types::Uuids, _>(ids)
        .bind::<types::Texts, _>(meta_ids.clone())
        .bind::<types::Texts, _>(texts(|template| template.name.clone()))
        .bind::<types::Texts, _>(texts(|template| template.language.as_str().to_owned()))
        .bind::<types::Texts, _>(texts(|template| template.category.into_str().to_owned()))
        .bind::<types::Texts, _>(texts(|template| template.status.into_str().to_owned()))
        .bind::<types::Texts, _>(texts(|template| template.quality.into_str().to_owned()))
        .bind::<types::MaybeTexts, _>(reasons)
        .bind::<types::Texts, _>(texts(|template| template.format.into_str().to_owned()))
        .bind::<types::Texts, _>(texts(|template| template.components.to_string()));
    let stored = tx.execute(statement).await?;
    let statement = sql(DELETE)
        .bind::<types::Uuid, _>(tx.tenant_id())
        .bind::<types::Text, _>(waba_id)
        .bind::<types::Timestamptz, _>(listed_at)
        .bind::<Nullable<types::Text>, _>(name)
        .bind::<types::Texts, _>(meta_ids);
    let deleted = tx.execute(statement).await?;
    pauses::end_of_templates(tx, waba_id, listed_at).await?;
    Ok(SyncCounts { stored, deleted })
}
