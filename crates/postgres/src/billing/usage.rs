use async_trait::async_trait;
use billing::{DailyUsage, MeteredMessage, Period, UsageRange, UsageRepo};
use chrono::NaiveDate;
use diesel_async::RunQueryDsl;
use kernel::StoreError;
use uuid::Uuid;

use super::count;
use crate::error::OrStoreError;
use crate::sql::{Count, Prepared, sql, types};
use crate::transaction::{Tenant, Tx};

/// The billing run locks the subscription `FOR UPDATE`. Either it waits until this transaction has committed, and reads these
/// counts; or this statement waits for it, and then reads the period that it started. So each message is counted in a period.
///
/// `pg_backend_pid()` distributes the counts of a day over slots, so that two workers of one tenant rarely wait for each other.
const COUNT_MESSAGES: &str = "
WITH running AS (
  SELECT period_start FROM subscriptions WHERE tenant_id = $1 FOR KEY SHARE
), counted AS (
  SELECT greatest(new.day, running.period_start) AS day, new.contact_id
    FROM unnest($2, $3) AS new (day, contact_id) LEFT JOIN running ON true
), active AS (
  INSERT INTO usage_contacts (tenant_id, day, contact_id)
  SELECT DISTINCT $1, day, contact_id FROM counted ORDER BY day, contact_id
      ON CONFLICT DO NOTHING
  RETURNING day
)
INSERT INTO usage_days AS known (tenant_id, day, slot, inbound_messages, active_contacts)
SELECT $1, day, pg_backend_pid() % 16, count(*), (SELECT count(*) FROM active WHERE active.day = counted.day)
  FROM counted
 GROUP BY day
 ORDER BY day
    ON CONFLICT (tenant_id, day, slot) DO UPDATE
   SET inbound_messages = known.inbound_messages + excluded.inbound_messages,
       active_contacts = known.active_contacts + excluded.active_contacts";

const MESSAGES_IN: &str = "
SELECT coalesce(sum(inbound_messages), 0)::bigint AS count FROM usage_days
 WHERE tenant_id = $1 AND day >= $2 AND day < $3";

const DAILY_USAGE: &str = "
SELECT day, sum(inbound_messages)::bigint AS inbound_messages, sum(active_contacts)::bigint AS active_contacts
  FROM usage_days
 WHERE tenant_id = $1 AND day BETWEEN $2 AND $3
 GROUP BY day";

const CONTACTS_ACTIVE_IN: &str = "
SELECT count(DISTINCT contact_id) AS count FROM usage_contacts WHERE tenant_id = $1 AND day BETWEEN $2 AND $3";

#[derive(diesel::QueryableByName)]
struct DayRow {
    #[diesel(sql_type = types::Date)]
    day: NaiveDate,
    #[diesel(sql_type = types::BigInt)]
    inbound_messages: i64,
    #[diesel(sql_type = types::BigInt)]
    active_contacts: i64,
}

#[async_trait]
impl UsageRepo for Tx<Tenant> {
    async fn count_messages(&mut self, messages: &[MeteredMessage]) -> Result<(), StoreError> {
        let (days, contacts): (Vec<NaiveDate>, Vec<Uuid>) =
            messages.iter().map(|message| (message.day, message.contact.as_uuid())).unzip();
        let statement = sql(COUNT_MESSAGES)
            .bind::<types::Uuid, _>(self.tenant_id())
            .bind::<types::Dates, _>(days)
            .bind::<types::Uuids, _>(contacts);
        self.execute(statement).await?;
        Ok(())
    }

    async fn messages_in(&mut self, period: Period) -> Result<u64, StoreError> {
        self.count_between(MESSAGES_IN, period.start(), period.end()).await
    }

    async fn daily_usage(&mut self, range: UsageRange) -> Result<Vec<DailyUsage>, StoreError> {
        let statement = sql(DAILY_USAGE)
            .bind::<types::Uuid, _>(self.tenant_id())
            .bind::<types::Date, _>(range.first())
            .bind::<types::Date, _>(range.last());
        let rows: Vec<DayRow> = Prepared(statement).load(self.connection()).await.or_store_error()?;
        let used = |row: DayRow| {
            Ok(DailyUsage {
                day: row.day,
                inbound_messages: count(row.inbound_messages, "usage_days")?,
                active_contacts: count(row.active_contacts, "usage_days")?,
            })
        };
        rows.into_iter().map(used).collect()
    }

    async fn contacts_active_in(&mut self, range: UsageRange) -> Result<u64, StoreError> {
        self.count_between(CONTACTS_ACTIVE_IN, range.first(), range.last()).await
    }
}

impl Tx<Tenant> {
    async fn count_between(
        &mut self,
        statement: &'static str,
        first: NaiveDate,
        last: NaiveDate,
    ) -> Result<u64, StoreError> {
        let statement = sql(statement)
            .bind::<types::Uuid, _>(self.tenant_id())
            .bind::<types::Date, _>(first)
            .bind::<types::Date, _>(last);
        let counted: Count = Prepared(statement).get_result(self.connection()).await.or_store_error()?;
        count(counted.count, "usage_days")
    }
}
