use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::sql_types::Nullable;
use diesel_async::RunQueryDsl;
use kernel::StoreError;
use kernel::ids::{AccountId, SenderId, TenantId};
use outbound::{SendBacklog, SendLedger, SenderLease};
use uuid::Uuid;

use crate::error::OrStoreError;
use crate::sql::{Prepared, sql, types};
use crate::transaction::{Platform, Tx};

/// Numbers that a sender takes at a time although it has its share.
const BEYOND_SHARE: i64 = 4;
/// How long something must have been due for that.
const LEFT_BY_OTHERS: TimeDelta = TimeDelta::seconds(1);

/// Steps from account to account through an index: the cost depends on the number of accounts that have something to send, not on
/// how much. A send that is in flight counts, as its sender may have died. An account that is paused as a whole, or has no token,
/// has work only for sends that have expired or were interrupted. The clock of the database alone decides about leases: those of the
/// senders may differ. A sender takes its share of all numbers that have something to send or are leased. What no other one has taken for a while
/// it takes beyond its share, few at a time: the other one has died, or is about to take them.
const LEASE_NUMBERS: &str = "
WITH RECURSIVE waiting (account_id, tenant_id, due_at) AS (
  (SELECT account_id, tenant_id, due_at FROM sends
    WHERE state IN ('queued', 'sending') ORDER BY account_id, due_at LIMIT 1)
   UNION ALL
  SELECT next.account_id, next.tenant_id, next.due_at
    FROM waiting w
   CROSS JOIN LATERAL (
     SELECT account_id, tenant_id, due_at FROM sends
      WHERE state IN ('queued', 'sending') AND account_id > w.account_id ORDER BY account_id, due_at LIMIT 1
   ) next
), free AS (
  SELECT w.account_id, w.tenant_id, w.due_at FROM waiting w
   WHERE w.due_at <= $2
     AND NOT EXISTS (SELECT FROM sender_leases l
                      WHERE l.tenant_id = w.tenant_id AND l.account_id = w.account_id AND l.ends_at > statement_timestamp() AND l.holder <> $1)
     AND (EXISTS (SELECT FROM account_credentials k
                   WHERE k.tenant_id = w.tenant_id AND k.account_id = w.account_id AND k.access_token_sealed_with IS NOT NULL)
          AND NOT EXISTS (SELECT FROM sending_pauses p
                           WHERE p.tenant_id = w.tenant_id AND p.account_id = w.account_id
                             AND p.scope IN ('number', 'business_account', 'token') AND p.sends = 'all'
                             AND (p.until IS NULL OR p.until > $2))
          OR EXISTS (SELECT FROM sends s WHERE s.account_id = w.account_id AND s.state = 'queued' AND s.send_before <= $2)
          OR EXISTS (SELECT FROM sends s WHERE s.account_id = w.account_id AND s.state = 'sending'))
), own AS (
  SELECT account_id FROM sender_leases WHERE holder = $1 AND ends_at > statement_timestamp()
), share AS (
  SELECT greatest(0, ceil((SELECT count(*) FROM (SELECT account_id FROM waiting
                                                  UNION
                                                 SELECT account_id FROM sender_leases WHERE ends_at > statement_timestamp()) busy)::numeric
                          / greatest((SELECT count(*) FROM senders WHERE ends_at > statement_timestamp()), 1))
                     - (SELECT count(*) FROM own)) AS numbers
), taken AS (
  SELECT f.tenant_id, f.account_id
    FROM (SELECT *, row_number() OVER (ORDER BY due_at, account_id) AS place
            FROM free WHERE account_id NOT IN (SELECT account_id FROM own)) f, share s
   WHERE f.place <= $4 - (SELECT count(*) FROM own)
     AND (f.place <= s.numbers OR f.due_at <= $2 - $6 AND f.place <= s.numbers + $5)
   UNION ALL
  SELECT tenant_id, account_id FROM free WHERE account_id IN (SELECT account_id FROM own)
)
INSERT INTO sender_leases AS held (tenant_id, account_id, holder, ends_at)
SELECT tenant_id, account_id, $1, statement_timestamp() + $3 FROM taken ORDER BY tenant_id, account_id
    ON CONFLICT (tenant_id, account_id) DO UPDATE SET holder = excluded.holder, ends_at = excluded.ends_at
 WHERE held.ends_at <= statement_timestamp() OR held.holder = $1
RETURNING tenant_id, account_id";

const REPORT_SENDER: &str = "
WITH gone AS (
  DELETE FROM senders WHERE ends_at <= statement_timestamp() AND holder <> $1
)
INSERT INTO senders AS s (holder, ends_at) VALUES ($1, statement_timestamp() + $2)
    ON CONFLICT (holder) DO UPDATE SET ends_at = excluded.ends_at";

const REMOVE_SENDER: &str = "DELETE FROM senders WHERE holder = $1";

const RENEW_LEASES: &str = "
UPDATE sender_leases SET ends_at = statement_timestamp() + $2 WHERE holder = $1 AND ends_at > statement_timestamp()
RETURNING tenant_id, account_id";

const RELEASE_LEASES: &str = "DELETE FROM sender_leases WHERE holder = $1 AND account_id = ANY ($2)";

const BACKLOG: &str = "
SELECT count(*) FILTER (WHERE state = 'queued') AS queued,
       count(*) FILTER (WHERE state = 'sending') AS sending,
       min(due_at) FILTER (
         WHERE state = 'queued' AND due_at <= $1 AND send_before > $1
           AND EXISTS (SELECT FROM account_credentials k
                        WHERE k.tenant_id = s.tenant_id AND k.account_id = s.account_id AND k.access_token_sealed_with IS NOT NULL)
           AND NOT EXISTS (SELECT FROM sending_pauses p
                            WHERE p.tenant_id = s.tenant_id AND p.account_id = s.account_id
                              AND p.scope IN ('number', 'business_account', 'token') AND p.sends = 'all'
                              AND (p.until IS NULL OR p.until > $1))) AS oldest_due,
       (SELECT count(*) FROM sends WHERE state = 'unknown' AND dismissed_at IS NULL) AS unknown,
       (SELECT min(ended_at) FROM sends
         WHERE state = 'unknown' AND dismissed_at IS NULL AND ended_at > $1 - interval '1 day') AS oldest_unknown,
       (SELECT count(DISTINCT account_id) FROM sending_pauses
         WHERE scope IN ('number', 'business_account', 'token') AND (until IS NULL OR until > $1)) AS paused_accounts
  FROM sends s WHERE state IN ('queued', 'sending')";

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = types::Uuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = types::Uuid)]
    account_id: Uuid,
}

#[derive(diesel::QueryableByName)]
struct BacklogRow {
    #[diesel(sql_type = types::BigInt)]
    queued: i64,
    #[diesel(sql_type = types::BigInt)]
    sending: i64,
    #[diesel(sql_type = types::BigInt)]
    unknown: i64,
    #[diesel(sql_type = Nullable<types::Timestamptz>)]
    oldest_unknown: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<types::Timestamptz>)]
    oldest_due: Option<DateTime<Utc>>,
    #[diesel(sql_type = types::BigInt)]
    paused_accounts: i64,
}

impl From<Row> for SenderLease {
    fn from(row: Row) -> Self {
        Self { tenant: TenantId::from_uuid(row.tenant_id), account: AccountId::from_uuid(row.account_id) }
    }
}

#[async_trait]
impl SendLedger for Tx<Platform> {
    async fn lease_numbers(
        &mut self,
        holder: SenderId,
        now: DateTime<Utc>,
        lease: TimeDelta,
        limit: i64,
    ) -> Result<Vec<SenderLease>, StoreError> {
        let statement = sql(LEASE_NUMBERS)
            .bind::<types::Uuid, _>(holder.as_uuid())
            .bind::<types::Timestamptz, _>(now)
            .bind::<types::Interval, _>(lease)
            .bind::<types::BigInt, _>(limit)
            .bind::<types::BigInt, _>(BEYOND_SHARE)
            .bind::<types::Interval, _>(LEFT_BY_OTHERS);
        let rows: Vec<Row> = Prepared(statement).load(self.connection()).await.or_store_error()?;
        Ok(rows.into_iter().map(SenderLease::from).collect())
    }

    async fn report_sender(&mut self, holder: SenderId, lifetime: TimeDelta) -> Result<(), StoreError> {
        let statement =
            sql(REPORT_SENDER).bind::<types::Uuid, _>(holder.as_uuid()).bind::<types::Interval, _>(lifetime);
        self.execute(statement).await?;
        Ok(())
    }

    async fn remove_sender(&mut self, holder: SenderId) -> Result<(), StoreError> {
        self.execute(sql(REMOVE_SENDER).bind::<types::Uuid, _>(holder.as_uuid())).await?;
        Ok(())
    }

    async fn renew_leases(&mut self, holder: SenderId, lease: TimeDelta) -> Result<Vec<SenderLease>, StoreError> {
        let statement = sql(RENEW_LEASES).bind::<types::Uuid, _>(holder.as_uuid()).bind::<types::Interval, _>(lease);
        let rows: Vec<Row> = Prepared(statement).load(self.connection()).await.or_store_error()?;
        Ok(rows.into_iter().map(SenderLease::from).collect())
    }

    async fn release_leases(&mut self, holder: SenderId, accounts: &[AccountId]) -> Result<(), StoreError> {
        let statement = sql(RELEASE_LEASES)
            .bind::<types::Uuid, _>(holder.as_uuid())
            .bind::<types::Uuids, _>(accounts.iter().map(|account| account.as_uuid()).collect::<Vec<_>>());
        self.execute(statement).await?;
        Ok(())
    }

    async fn send_backlog(&mut self, now: DateTime<Utc>) -> Result<SendBacklog, StoreError> {
        let statement = sql(BACKLOG).bind::<types::Timestamptz, _>(now);
        let row: BacklogRow = Prepared(statement).get_result(self.connection()).await.or_store_error()?;
        Ok(SendBacklog {
            queued: row.queued,
            sending: row.sending,
            unknown: row.unknown,
            oldest_unknown: row.oldest_unknown,
            oldest_due: row.oldest_due,
            paused_accounts: row.paused_accounts,
        })
    }
}
