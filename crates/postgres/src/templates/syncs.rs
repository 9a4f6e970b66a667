use chrono::{DateTime, Utc};
use kernel::StoreError;

use crate::error::OrStoreError;
use crate::sql::{Prepared, sql, types};
use crate::transaction::{Tenant, Tx};
use diesel_async::RunQueryDsl;

const RECORD: &str = "
INSERT INTO template_syncs AS s (tenant_id, waba_id, due_at, synced_at) VALUES ($1, $2, $4, $3)
    ON CONFLICT (tenant_id, waba_id) DO UPDATE
   SET synced_at = excluded.synced_at,
       -- What was requested since the list was asked for stays due.
       due_at = CASE WHEN s.due_at > $3 THEN excluded.due_at ELSE s.due_at END";

const REQUEST: &str = "
INSERT INTO template_syncs AS s (tenant_id, waba_id, due_at) VALUES ($1, $2, $3)
    ON CONFLICT (tenant_id, waba_id) DO UPDATE SET due_at = least(s.due_at, excluded.due_at)";

/// A business account whose number has a token is due until it has a row.
const CLAIM: &str = "
WITH next AS (
  SELECT a.waba_id FROM whatsapp_accounts a
    JOIN account_credentials c ON c.tenant_id = a.tenant_id AND c.account_id = a.id AND c.access_token_sealed IS NOT NULL
    LEFT JOIN template_syncs s ON s.tenant_id = a.tenant_id AND s.waba_id = a.waba_id
   WHERE a.tenant_id = $1 AND a.status = 'active' AND coalesce(s.due_at <= $2, true)
   ORDER BY s.due_at NULLS FIRST, a.waba_id
   LIMIT 1
)
INSERT INTO template_syncs AS s (tenant_id, waba_id, due_at) SELECT $1, waba_id, $3 FROM next
    ON CONFLICT (tenant_id, waba_id) DO UPDATE SET due_at = excluded.due_at WHERE s.due_at <= $2
RETURNING s.waba_id";

const CLAIM_REFRESH: &str = "
INSERT INTO template_syncs AS s (tenant_id, waba_id, due_at, refreshed_at) VALUES ($1, $2, $3, $3)
    ON CONFLICT (tenant_id, waba_id) DO UPDATE SET refreshed_at = excluded.refreshed_at
 WHERE coalesce(s.refreshed_at <= $4, true)";

#[derive(diesel::QueryableByName)]
struct Claimed {
    #[diesel(sql_type = types::Text)]
    waba_id: String,
}

pub(super) async fn record(
    tx: &mut Tx<Tenant>,
    waba_id: &str,
    now: DateTime<Utc>,
    due_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let statement = sql(RECORD)
        .bind::<types::Uuid, _>(tx.tenant_id())
        .bind::<types::Text, _>(waba_id)
        .bind::<types::Timestamptz, _>(now)
        .bind::<types::Timestamptz, _>(due_at);
    tx.execute(statement).await?;
    Ok(())
}

pub(super) async fn request(tx: &mut Tx<Tenant>, waba_id: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    let statement = sql(REQUEST)
        .bind::<types::Uuid, _>(tx.tenant_id())
        .bind::<types::Text, _>(waba_id)
        .bind::<types::Timestamptz, _>(now);
    tx.execute(statement).await?;
    Ok(())
}

pub(super) async fn claim(
    tx: &mut Tx<Tenant>,
    now: DateTime<Utc>,
    retry_at: DateTime<Utc>,
) -> Result<Option<String>, StoreError> {
    let statement = sql(CLAIM)
        .bind::<types::Uuid, _>(tx.tenant_id())
        .bind::<types::Timestamptz, _>(now)
        .bind::<types::Timestamptz, _>(retry_at);
    let claimed: Vec<Claimed> = Prepared(statement).load(tx.connection()).await.or_store_error()?;
    Ok(claimed.into_iter().next().map(|row| row.waba_id))
}

pub(super) async fn claim_refresh(
    tx: &mut Tx<Tenant>,
    waba_id: &str,
    now: DateTime<Utc>,
    not_since: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let statement = sql(CLAIM_REFRESH)
        .bind::<types::Uuid, _>(tx.tenant_id())
        .bind::<types::Text, _>(waba_id)
        .bind::<types::Timestamptz, _>(now)
        .bind::<types::Timestamptz, _>(not_since);
    Ok(tx.execute(statement).await? == 1)
}
