//! The attempt counters of the rate limit, in the table `login_tallies`. Its name, and the migration's (`login_throttle`), are
//! older than the words "rate limit" and "attempt counter", which all code uses.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, Nullable};
use diesel_async::RunQueryDsl;
use iam::{AttemptCounter, RateLimitBucket, RateLimitKey, RateLimitRepo};
use kernel::StoreError;

use crate::error::OrStoreError;
use crate::sql::{Prepared, sql, types};
use crate::transaction::{Platform, Tx};

/// Inserts missing rows and locks existing ones, in the order of the keys, so that transactions do not deadlock.
const LOCK_ATTEMPT_COUNTERS: &str = "
INSERT INTO login_tallies (key, expires_at)
SELECT key, $2 FROM unnest($1) AS keys (key) ORDER BY key
ON CONFLICT (key) DO UPDATE SET expires_at = login_tallies.expires_at
RETURNING key, failures, pending, blocks, blocked_until";

const SAVE_ATTEMPT_COUNTER: &str = "
UPDATE login_tallies
   SET failures = $2, pending = $3, blocks = $4, blocked_until = $5, expires_at = $6
 WHERE key = $1";

const PURGE_ATTEMPT_COUNTERS: &str = "
DELETE FROM login_tallies
 WHERE key IN (SELECT key FROM login_tallies WHERE expires_at < $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)";

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = types::Binary)]
    key: Vec<u8>,
    #[diesel(sql_type = types::Times)]
    failures: Vec<DateTime<Utc>>,
    #[diesel(sql_type = types::Times)]
    pending: Vec<DateTime<Utc>>,
    #[diesel(sql_type = types::Integer)]
    blocks: i32,
    #[diesel(sql_type = Nullable<types::Timestamptz>)]
    blocked_until: Option<DateTime<Utc>>,
}

#[async_trait]
impl RateLimitRepo for Tx<Platform> {
    async fn lock_attempt_counters(
        &mut self,
        keys: &[RateLimitKey],
        now: DateTime<Utc>,
    ) -> Result<Vec<AttemptCounter>, StoreError> {
        let bytes: Vec<&[u8]> = keys.iter().map(|key| &key.as_bytes()[..]).collect();
        let statement = Prepared(
            sql(LOCK_ATTEMPT_COUNTERS).bind::<Array<types::Binary>, _>(bytes).bind::<types::Timestamptz, _>(now),
        );
        let mut rows: Vec<Row> = statement.load(self.connection()).await.or_store_error()?;
        keys.iter()
            .map(|key| {
                let found = rows.iter().position(|row| row.key == key.as_bytes());
                found
                    .map(|index| rows.swap_remove(index))
                    .ok_or_else(|| StoreError::corrupt("login_tallies"))?
                    .into_counter()
            })
            .collect()
    }

    async fn save_attempt_counters(
        &mut self,
        counters: &[(RateLimitBucket, AttemptCounter)],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        for (bucket, counter) in counters {
            let blocks = i32::try_from(counter.blocks).unwrap_or(i32::MAX);
            let statement = sql(SAVE_ATTEMPT_COUNTER)
                .bind::<types::Binary, _>(&bucket.key.as_bytes()[..])
                .bind::<types::Times, _>(&counter.failures)
                .bind::<types::Times, _>(&counter.pending)
                .bind::<types::Integer, _>(blocks)
                .bind::<Nullable<types::Timestamptz>, _>(counter.blocked_until)
                .bind::<types::Timestamptz, _>(counter.expires_at(bucket.limit).unwrap_or(now));
            self.execute(statement).await?;
        }
        Ok(())
    }

    async fn purge_attempt_counters(&mut self, now: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        self.execute(sql(PURGE_ATTEMPT_COUNTERS).bind::<types::Timestamptz, _>(now).bind::<types::BigInt, _>(limit))
            .await
    }
}

impl Row {
    fn into_counter(self) -> Result<AttemptCounter, StoreError> {
        Ok(AttemptCounter {
            failures: self.failures,
            pending: self.pending,
            blocks: u32::try_from(self.blocks).map_err(|_| StoreError::corrupt("login_tallies.blocks"))?,
            blocked_until: self.blocked_until,
        })
    }
}
