use chrono::{DateTime, Utc};
use kernel::StoreError;

use crate::sql::{sql, types};
use crate::transaction::{Tenant, Tx};

const RECORD: &str = "
INSERT INTO template_syncs (tenant_id, waba_id, synced_at) VALUES ($1, $2, $3)
    ON CONFLICT (tenant_id, waba_id) DO UPDATE SET synced_at = excluded.synced_at";

const CLAIM_REFRESH: &str = "
INSERT INTO template_syncs AS s (tenant_id, waba_id, refreshed_at) VALUES ($1, $2, $3)
    ON CONFLICT (tenant_id, waba_id) DO UPDATE SET refreshed_at = excluded.refreshed_at
 WHERE coalesce(s.refreshed_at <= $4, true)";

pub(super) async fn record(tx: &mut Tx<Tenant>, waba_id: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    let statement = sql(RECORD)
        .bind::<types::Uuid, _>(tx.tenant_id())
        .bind::<types::Text, _>(waba_id)
        .bind::<types::Timestamptz, _>(now);
    tx.execute(statement).await?;
    Ok(())
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
