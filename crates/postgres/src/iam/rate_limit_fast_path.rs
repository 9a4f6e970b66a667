use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::sql_types::Array;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use iam::{AttemptCounter, RateLimitBucket, RateLimitFastPath};
use kernel::StoreError;

use crate::Postgres;
use crate::error::OrStoreError;
use crate::sql::{Prepared, sql, types};

macro_rules! calm {
    ($tally:literal) => {
        concat!($tally, ".failures = '{}' AND ", $tally, ".blocks = 0 AND ", $tally, ".blocked_until IS NULL")
    };
}

/// Nothing is taken where one is not calm, as far as can be seen. What changes meanwhile is found when its row is locked: then
/// fewer are taken. In the order of the keys, so that nobody waits for each other.
const BEGIN: &str = concat!(
    "
WITH tries AS (SELECT * FROM unnest($1, $2, $3) AS tries (key, most, expires_at))
INSERT INTO login_tallies AS tally (key, pending, expires_at)
SELECT key, ARRAY[$4], expires_at FROM tries
 WHERE NOT EXISTS (SELECT FROM login_tallies t JOIN tries USING (key)
                    WHERE NOT (cardinality(t.pending) < most AND ",
    calm!("t"),
    "))
 ORDER BY key
ON CONFLICT (key) DO UPDATE
   SET pending = tally.pending || excluded.pending, expires_at = greatest(tally.expires_at, excluded.expires_at)
 WHERE cardinality(tally.pending) < (SELECT most FROM tries WHERE tries.key = excluded.key) AND ",
    calm!("tally")
);

/// For two counters at most. A statement for an array of any length would be planned again on each call, which takes longer than
/// its execution.
const END: &str = concat!(
    "
UPDATE login_tallies AS tally
   SET pending = tally.pending[:array_position(tally.pending, $2) - 1]
              || tally.pending[array_position(tally.pending, $2) + 1:]
  FROM (SELECT key FROM login_tallies WHERE key IN ($1[1], $1[2]) ORDER BY key FOR UPDATE) AS locked
 WHERE tally.key = locked.key AND $2 = ANY(tally.pending) AND ",
    calm!("tally")
);

#[async_trait]
impl RateLimitFastPath for Postgres {
    async fn try_reserve(&self, counted: &[RateLimitBucket], now: DateTime<Utc>) -> Result<bool, StoreError> {
        let most: Vec<i32> =
            counted.iter().map(|counted| i32::try_from(counted.limit.max_failures).unwrap_or(i32::MAX)).collect();
        let ends: Vec<DateTime<Utc>> = counted
            .iter()
            .map(|counted| AttemptCounter::with_pending(now).expires_at(counted.limit).unwrap_or(now))
            .collect();
        let statement = sql(BEGIN)
            .bind::<Array<types::Binary>, _>(keys(counted))
            .bind::<types::Integers, _>(most)
            .bind::<types::Times, _>(ends)
            .bind::<types::Timestamptz, _>(now);
        let begun = {
            let connection: &mut AsyncPgConnection = &mut *self.platform().get().await?;
            Prepared(statement).execute(connection).await.or_store_error()?
        };
        if 0 < begun && begun < counted.len() {
            self.try_release(counted, now).await?;
        }
        Ok(begun == counted.len())
    }

    async fn try_release(&self, counted: &[RateLimitBucket], begun_at: DateTime<Utc>) -> Result<bool, StoreError> {
        debug_assert!(counted.len() <= 2, "an address and an account");
        let statement = sql(END).bind::<Array<types::Binary>, _>(keys(counted)).bind::<types::Timestamptz, _>(begun_at);
        let connection: &mut AsyncPgConnection = &mut *self.platform().get().await?;
        let ended = Prepared(statement).execute(connection).await.or_store_error()?;
        Ok(ended == counted.len())
    }
}

fn keys(counted: &[RateLimitBucket]) -> Vec<&[u8]> {
    counted.iter().map(|counted| &counted.key.as_bytes()[..]).collect()
}
