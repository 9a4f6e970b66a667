use chrono::{DateTime, Utc};
use diesel::sql_types::Nullable;
use diesel_async::RunQueryDsl;
use kernel::StoreError;
use kernel::ids::AccountId;
use outbound::SendingPause;

use crate::closed_set;
use crate::error::OrStoreError;
use crate::sql::{Prepared, sql, types};
use crate::transaction::{Tenant, Tx};

/// A pause that begins while one of the same kind is active only makes it longer.
const STORE: &str = "
INSERT INTO sending_pauses AS p
  (tenant_id, account_id, scope, subject, sends, error_code, class, reason, advice, started_at, until)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    ON CONFLICT (tenant_id, account_id, scope, subject) DO UPDATE
   SET error_code = excluded.error_code, class = excluded.class, reason = excluded.reason, advice = excluded.advice,
       sends = CASE WHEN p.sends = 'all' AND (p.until IS NULL OR p.until > excluded.started_at) THEN 'all' ELSE excluded.sends END,
       started_at = CASE WHEN p.until IS NULL OR p.until > excluded.started_at THEN p.started_at ELSE excluded.started_at END,
       until = CASE WHEN excluded.until IS NULL OR p.until IS NULL THEN NULL ELSE greatest(p.until, excluded.until) END";

const ACTIVE: &str = "
SELECT scope, subject, sends, error_code, class, reason, advice, started_at, until FROM sending_pauses
 WHERE tenant_id = $1 AND account_id = $2 AND (until IS NULL OR until > $3)
 ORDER BY started_at, scope, subject";

const END: &str = "
WITH ended AS (
  DELETE FROM sending_pauses
   WHERE tenant_id = $1 AND account_id = $2 AND scope IN ('number', 'business_account', 'token')
  RETURNING 1
)
SELECT count(*) AS count FROM ended";

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = types::Text)]
    scope: String,
    #[diesel(sql_type = types::Text)]
    subject: String,
    #[diesel(sql_type = types::Text)]
    sends: String,
    #[diesel(sql_type = Nullable<types::BigInt>)]
    error_code: Option<i64>,
    #[diesel(sql_type = types::Text)]
    class: String,
    #[diesel(sql_type = types::Text)]
    reason: String,
    #[diesel(sql_type = types::Text)]
    advice: String,
    #[diesel(sql_type = types::Timestamptz)]
    started_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<types::Timestamptz>)]
    until: Option<DateTime<Utc>>,
}

pub(super) async fn store(tx: &mut Tx<Tenant>, pause: &SendingPause) -> Result<(), StoreError> {
    let statement = sql(STORE)
        .bind::<types::Uuid, _>(tx.tenant_id())
        .bind::<types::Uuid, _>(pause.account.as_uuid())
        .bind::<types::Text, _>(pause.scope.into_str())
        .bind::<types::Text, _>(&pause.subject)
        .bind::<types::Text, _>(pause.sends.into_str())
        .bind::<Nullable<types::BigInt>, _>(pause.code)
        .bind::<types::Text, _>(pause.class.into_str())
        .bind::<types::Text, _>(&pause.reason)
        .bind::<types::Text, _>(&pause.advice)
        .bind::<types::Timestamptz, _>(pause.started_at)
        .bind::<Nullable<types::Timestamptz>, _>(pause.until);
    tx.execute(statement).await?;
    Ok(())
}

pub(super) async fn active(
    tx: &mut Tx<Tenant>,
    account: AccountId,
    now: DateTime<Utc>,
) -> Result<Vec<SendingPause>, StoreError> {
    let statement = sql(ACTIVE)
        .bind::<types::Uuid, _>(tx.tenant_id())
        .bind::<types::Uuid, _>(account.as_uuid())
        .bind::<types::Timestamptz, _>(now);
    let rows: Vec<Row> = Prepared(statement).load(tx.connection()).await.or_store_error()?;
    let pause = |row: Row| {
        Ok(SendingPause {
            account,
            scope: closed_set::parse(&row.scope, "sending_pauses.scope")?,
            subject: row.subject,
            sends: closed_set::parse(&row.sends, "sending_pauses.sends")?,
            code: row.error_code,
            class: closed_set::parse(&row.class, "sending_pauses.class")?,
            reason: row.reason,
            advice: row.advice,
            started_at: row.started_at,
            until: row.until,
        })
    };
    rows.into_iter().map(pause).collect()
}

pub(super) async fn end(tx: &mut Tx<Tenant>, account: AccountId) -> Result<usize, StoreError> {
    let statement = sql(END).bind::<types::Uuid, _>(tx.tenant_id()).bind::<types::Uuid, _>(account.as_uuid());
    let row: crate::sql::Count = Prepared(statement).get_result(tx.connection()).await.or_store_error()?;
    Ok(usize::try_from(row.count).unwrap_or(0))
}
