use std::collections::HashMap;

use async_trait::async_trait;
use channels::{AccountPause, WhatsAppAccount};
use chrono::{DateTime, Utc};
use diesel::sql_types::Nullable;
use diesel_async::RunQueryDsl;
use kernel::StoreError;
use kernel::ids::AccountId;
use outbound::template::{TemplateStatus, Usability};
use outbound::{PauseRepo, PauseScope, PausedSends, PausesToEnd, SendingPause};
use uuid::Uuid;

use crate::closed_set;
use crate::error::OrStoreError;
use crate::sql::{Count, Prepared, sql, types};
use crate::transaction::{Tenant, Tx};

/// A pause that begins while one of the same kind is active only makes it longer. What Meta says of a business account holds for each
/// of its numbers.
const STORE: &str = "
INSERT INTO sending_pauses AS p
  (tenant_id, account_id, scope, subject, sends, error_code, class, reason, advice, started_at, until)
SELECT $1, a.id, $3, $4, $5, $6, $7, $8, $9, $10, $11
  FROM whatsapp_accounts a
 WHERE a.tenant_id = $1
   AND (a.id = $2 OR $3 = 'business_account'
        AND a.waba_id = (SELECT o.waba_id FROM whatsapp_accounts o WHERE o.tenant_id = $1 AND o.id = $2))
 ORDER BY a.id
    ON CONFLICT (tenant_id, account_id, scope, subject) DO UPDATE
   SET error_code = excluded.error_code, class = excluded.class, reason = excluded.reason, advice = excluded.advice,
       sends = CASE WHEN p.sends = 'all' AND (p.until IS NULL OR p.until > excluded.started_at) THEN 'all' ELSE excluded.sends END,
       started_at = CASE WHEN p.until IS NULL OR p.until > excluded.started_at THEN p.started_at ELSE excluded.started_at END,
       until = CASE WHEN excluded.until IS NULL OR p.until IS NULL THEN NULL ELSE greatest(p.until, excluded.until) END";

const ACTIVE: &str = "
SELECT scope, subject, sends, error_code, class, reason, advice, started_at, until FROM sending_pauses
 WHERE tenant_id = $1 AND account_id = $2 AND (until IS NULL OR until > $3)
 ORDER BY started_at, scope, subject";

/// Row level security limits it to the tenant of the transaction, if it has one.
const OF_ACCOUNTS: &str = "
SELECT account_id, sends, reason, advice, until FROM sending_pauses
 WHERE account_id = ANY ($1) AND scope IN ('number', 'business_account', 'token')
 ORDER BY account_id, started_at, scope";

/// What waits for a pause has its end as due time, and is due now; one that may have been sent waits for a status. Rows that a sender
/// works on are skipped, as it holds them while it stores pauses: it decides about them anyway. A pause of a business account ends for
/// each of its numbers.
const END: &str = "
WITH ended AS (
  DELETE FROM sending_pauses
   WHERE tenant_id = $1 AND scope = ANY ($3) AND started_at <= $4 AND ($5 OR until IS NULL)
     AND (account_id = $2 OR scope = 'business_account' AND account_id IN (
            SELECT o.id FROM whatsapp_accounts o JOIN whatsapp_accounts a ON a.tenant_id = $1 AND a.id = $2
             WHERE o.tenant_id = $1 AND o.waba_id = a.waba_id))
  RETURNING account_id
), waiting AS MATERIALIZED (
  SELECT id FROM sends
   WHERE tenant_id = $1 AND account_id IN (SELECT account_id FROM ended) AND state = 'queued' AND NOT is_due
     AND NOT may_have_been_sent AND coalesce(send_at <= $6, true) AND send_before > $6
     FOR UPDATE SKIP LOCKED
), woken AS (
  UPDATE sends s SET is_due = true, due_at = $6 FROM waiting w WHERE s.tenant_id = $1 AND s.id = w.id
)
SELECT count(*) AS count FROM ended";

/// Meta said after the pause began that the template can be used.
const END_OF_TEMPLATES: &str = "
WITH ended AS (
  DELETE FROM sending_pauses p
   USING whatsapp_accounts a, templates t
   WHERE p.tenant_id = $1 AND p.scope = 'template' AND p.until IS NULL
     AND a.tenant_id = $1 AND a.id = p.account_id AND a.waba_id = $2
     AND t.tenant_id = $1 AND t.waba_id = $2
     AND t.name = split_part(p.subject, '/', 1) AND t.language = split_part(p.subject, '/', 2)
     AND t.status = ANY ($3) AND greatest(t.event_at, t.synced_at) >= p.started_at
  RETURNING p.account_id, p.subject
), waiting AS MATERIALIZED (
  SELECT s.id FROM sends s JOIN ended e ON e.account_id = s.account_id AND e.subject = s.template
   WHERE s.tenant_id = $1 AND s.state = 'queued' AND NOT s.is_due AND NOT s.may_have_been_sent
     AND coalesce(s.send_at <= $4, true)
     FOR UPDATE OF s SKIP LOCKED
)
UPDATE sends s SET is_due = true, due_at = $4 FROM waiting w WHERE s.tenant_id = $1 AND s.id = w.id";

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

/// Ends the pauses of templates of a business account that can be used, as Meta has told by then.
pub(crate) async fn end_of_templates(
    tx: &mut Tx<Tenant>,
    waba_id: &str,
    told_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let statement = sql(END_OF_TEMPLATES)
        .bind::<types::Uuid, _>(tx.tenant_id())
        .bind::<types::Text, _>(waba_id)
        .bind::<types::Texts, _>(TemplateStatus::with_usability(Usability::Now))
        .bind::<types::Timestamptz, _>(told_at);
    tx.execute(statement).await?;
    Ok(())
}

#[async_trait]
impl PauseRepo for Tx<Tenant> {
    async fn store_pause(&mut self, pause: &SendingPause) -> Result<(), StoreError> {
        let statement = sql(STORE)
            .bind::<types::Uuid, _>(self.tenant_id())
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
        self.execute(statement).await?;
        Ok(())
    }

    async fn end_pauses(
        &mut self,
        account: AccountId,
        which: &PausesToEnd,
        now: DateTime<Utc>,
    ) -> Result<usize, StoreError> {
        let scopes: Vec<&str> = which.scopes.iter().map(PauseScope::into_str).collect();
        let statement = sql(END)
            .bind::<types::Uuid, _>(self.tenant_id())
            .bind::<types::Uuid, _>(account.as_uuid())
            .bind::<types::Texts, _>(scopes)
            .bind::<types::Timestamptz, _>(which.started_until)
            .bind::<types::Bool, _>(which.timed)
            .bind::<types::Timestamptz, _>(now);
        let Count { count } = Prepared(statement).get_result(self.connection()).await.or_store_error()?;
        Ok(usize::try_from(count).unwrap_or_default())
    }
}

#[derive(diesel::QueryableByName)]
struct AccountRow {
    #[diesel(sql_type = types::Uuid)]
    account_id: Uuid,
    #[diesel(sql_type = types::Text)]
    sends: String,
    #[diesel(sql_type = types::Text)]
    reason: String,
    #[diesel(sql_type = types::Text)]
    advice: String,
    #[diesel(sql_type = Nullable<types::Timestamptz>)]
    until: Option<DateTime<Utc>>,
}

/// Adds what pauses accounts as a whole, also what has ended: who shows it knows the time. One statement for all of them.
pub(crate) async fn add_to_accounts<R>(
    tx: &mut Tx<R>,
    accounts: &mut HashMap<Uuid, &mut WhatsAppAccount>,
) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = accounts.keys().copied().collect();
    let rows: Vec<AccountRow> =
        Prepared(sql(OF_ACCOUNTS).bind::<types::Uuids, _>(ids)).load(tx.connection()).await.or_store_error()?;
    for row in rows {
        if let Some(account) = accounts.get_mut(&row.account_id) {
            let sends: PausedSends = closed_set::parse(&row.sends, "sending_pauses.sends")?;
            account.sending.pauses.push(AccountPause {
                reason: row.reason,
                advice: row.advice,
                until: row.until,
                stops_all: sends == PausedSends::All,
            });
        }
    }
    Ok(())
}
