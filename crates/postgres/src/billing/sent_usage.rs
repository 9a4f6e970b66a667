use async_trait::async_trait;
use billing::{SentCount, SentMessage, SentUsageRepo, UsageRange};
use chrono::NaiveDate;
use diesel_async::RunQueryDsl;
use kernel::StoreError;

use super::count;
use crate::closed_set;
use crate::error::OrStoreError;
use crate::sql::{Prepared, sql, types};
use crate::transaction::{Tenant, Tx};

/// `pg_backend_pid()` distributes the counts of a day over slots, so that two senders of one tenant rarely wait for each other.
const COUNT: &str = "
INSERT INTO usage_sent AS known (tenant_id, day, category, slot, messages)
SELECT $1, day, category, pg_backend_pid() % 16, count(*) FROM unnest($2, $3) AS new (day, category)
 GROUP BY day, category
 ORDER BY day, category
    ON CONFLICT (tenant_id, day, category, slot) DO UPDATE SET messages = known.messages + excluded.messages";

const SENT: &str = "
SELECT day, category, sum(messages)::bigint AS messages FROM usage_sent
 WHERE tenant_id = $1 AND day BETWEEN $2 AND $3
 GROUP BY day, category";

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = types::Date)]
    day: NaiveDate,
    #[diesel(sql_type = types::Text)]
    category: String,
    #[diesel(sql_type = types::BigInt)]
    messages: i64,
}

#[async_trait]
impl SentUsageRepo for Tx<Tenant> {
    async fn count_sent_messages(&mut self, messages: &[SentMessage]) -> Result<(), StoreError> {
        let statement = sql(COUNT)
            .bind::<types::Uuid, _>(self.tenant_id())
            .bind::<types::Dates, _>(messages.iter().map(|message| message.day).collect::<Vec<_>>())
            .bind::<types::Texts, _>(messages.iter().map(|message| message.category.into_str()).collect::<Vec<_>>());
        self.execute(statement).await?;
        Ok(())
    }

    async fn sent_messages(&mut self, range: UsageRange) -> Result<Vec<SentCount>, StoreError> {
        let statement = sql(SENT)
            .bind::<types::Uuid, _>(self.tenant_id())
            .bind::<types::Date, _>(range.first())
            .bind::<types::Date, _>(range.last());
        let rows: Vec<Row> = Prepared(statement).load(self.connection()).await.or_store_error()?;
        let sent = |row: Row| {
            Ok(SentCount {
                day: row.day,
                category: closed_set::parse(&row.category, "usage_sent.category")?,
                messages: count(row.messages, "usage_sent")?,
            })
        };
        rows.into_iter().map(sent).collect()
    }
}
