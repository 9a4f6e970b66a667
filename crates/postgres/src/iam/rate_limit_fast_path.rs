//! The same counters as in `rate_limit.rs` (table `login_tallies`), where one statement suffices.

use std::sync::LazyLock;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::sql_types::Array;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use iam::{AttemptCounter, RateLimitBucket, RateLimitFastPath};
use kernel::StoreError;

use crate::database::Postgres;
use crate::error::OrStoreError;
use crate::sql::{Prepared, sql, types};

/// The commit does not wait for the disk: no login has to, and a crash of the server loses pending attempts of the last second
/// at most, never a failure.
const ASYNCHRONOUS: &str = "(SELECT set_config('synchronous_commit', 'off', true)) AS asynchronous";

/// Inserts the counters or adds a pending attempt to them, if all of them are unblocked, without failures and below their limits.
///
/// A row that another transaction changes meanwhile is checked again when it is locked: then fewer rows are written, and the caller
/// releases them. Ordered by key, so that transactions do not deadlock.
static TRY_RESERVE: LazyLock<String> = LazyLock::new(|| {
    let clean_row = without_failures("t");
    let clean_counter = without_failures("counter");
    format!(
        "
WITH attempts AS (SELECT * FROM unnest($1, $2, $3) AS attempts (key, max_failures, expires_at))
INSERT INTO login_tallies AS counter (key, pending, expires_at)
SELECT key, ARRAY[$4], expires_at FROM attempts, {ASYNCHRONOUS}
 WHERE NOT EXISTS (SELECT FROM login_tallies t JOIN attempts USING (key)
                    WHERE NOT (cardinality(t.pending) < max_failures AND {clean_row}))
 ORDER BY key
ON CONFLICT (key) DO UPDATE
   SET pending = counter.pending || excluded.pending, expires_at = greatest(counter.expires_at, excluded.expires_at)
 WHERE cardinality(counter.pending) < (SELECT max_failures FROM attempts WHERE attempts.key = excluded.key)
   AND {clean_counter}"
    )
});

/// Removes the pending attempt. For three counters at most: a statement for an array of any length would be planned again on each
/// call, which takes longer than its execution.
static TRY_RELEASE: LazyLock<String> = LazyLock::new(|| {
    let clean_counter = without_failures("counter");
    format!(
        "
UPDATE login_tallies AS counter
   SET pending = counter.pending[:array_position(counter.pending, $2) - 1]
              || counter.pending[array_position(counter.pending, $2) + 1:]
  FROM (SELECT key FROM login_tallies WHERE key IN ($1[1], $1[2], $1[3]) ORDER BY key FOR UPDATE) AS locked, {ASYNCHRONOUS}
 WHERE counter.key = locked.key AND $2 = ANY(counter.pending) AND {clean_counter}"
    )
});

fn without_failures(table: &str) -> String {
    format!("{table}.failures = '{{}}' AND {table}.blocks = 0 AND {table}.blocked_until IS NULL")
}

#[async_trait]
impl RateLimitFastPath for Postgres {
    async fn try_reserve(&self, buckets: &[RateLimitBucket], now: DateTime<Utc>) -> Result<bool, StoreError> {
        let max_failures: Vec<i32> =
            buckets.iter().map(|bucket| i32::try_from(bucket.limit.max_failures).unwrap_or(i32::MAX)).collect();
        let expiries: Vec<DateTime<Utc>> = buckets
            .iter()
            .map(|bucket| AttemptCounter::with_pending(now).expires_at(bucket.limit).unwrap_or(now))
            .collect();
        let statement = sql(&TRY_RESERVE)
            .bind::<Array<types::Binary>, _>(keys(buckets))
            .bind::<types::Integers, _>(max_failures)
            .bind::<types::Times, _>(expiries)
            .bind::<types::Timestamptz, _>(now);
        let reserved = {
            let connection: &mut AsyncPgConnection = &mut *self.platform().get().await?;
            Prepared(statement).execute(connection).await.or_store_error()?
        };
        if 0 < reserved && reserved < buckets.len() {
            self.try_release(buckets, now).await?;
        }
        Ok(reserved == buckets.len())
    }

    async fn try_release(&self, buckets: &[RateLimitBucket], reserved_at: DateTime<Utc>) -> Result<bool, StoreError> {
        debug_assert!(buckets.len() <= 3, "an address, an account there, and the account everywhere");
        let statement =
            sql(&TRY_RELEASE).bind::<Array<types::Binary>, _>(keys(buckets)).bind::<types::Timestamptz, _>(reserved_at);
        let connection: &mut AsyncPgConnection = &mut *self.platform().get().await?;
        let released = Prepared(statement).execute(connection).await.or_store_error()?;
        Ok(released == buckets.len())
    }
}

fn keys(buckets: &[RateLimitBucket]) -> Vec<&[u8]> {
    buckets.iter().map(|bucket| &bucket.key.as_bytes()[..]).collect()
}
