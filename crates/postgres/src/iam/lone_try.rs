use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::sql_types::Array;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use iam::{Counted, LoneTries, Tally};
use kernel::StoreError;

use crate::Postgres;
use crate::error::OrStoreError;
use crate::sql::{Prepared, sql, types};

/// Both or none: where there is one of them, nothing is inserted. In the order of the keys, so that nobody waits for each
/// other.
const BEGIN: &str = "
INSERT INTO login_tallies (key, pending, expires_at)
SELECT key, ARRAY[$3], expires_at FROM unnest($1, $2) AS tries (key, expires_at)
 WHERE NOT EXISTS (SELECT FROM login_tallies WHERE key = ANY($1))
 ORDER BY key";

const END: &str = "
DELETE FROM login_tallies
 WHERE key = ANY($1) AND pending = ARRAY[$2] AND failures = '{}' AND blocks = 0 AND blocked_until IS NULL";

const PRIMARY_KEY: &str = "login_tallies_pkey";

#[async_trait]
impl LoneTries for Postgres {
    async fn begin_lone_try(&self, counted: &[Counted], now: DateTime<Utc>) -> Result<bool, StoreError> {
        let ends: Vec<DateTime<Utc>> =
            counted.iter().map(|counted| Tally::begun_at(now).expires_at(counted.limit).unwrap_or(now)).collect();
        let statement = sql(BEGIN)
            .bind::<Array<types::Binary>, _>(keys(counted))
            .bind::<types::Times, _>(ends)
            .bind::<types::Timestamptz, _>(now);
        let connection: &mut AsyncPgConnection = &mut *self.platform().get().await?;
        match Prepared(statement).execute(connection).await.or_store_error() {
            Ok(begun) => Ok(begun > 0),
            // Somebody else was faster.
            Err(error) if error.is_conflict_with(PRIMARY_KEY) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn end_lone_try(&self, counted: &[Counted], begun_at: DateTime<Utc>) -> Result<bool, StoreError> {
        let statement = sql(END).bind::<Array<types::Binary>, _>(keys(counted)).bind::<types::Timestamptz, _>(begun_at);
        let connection: &mut AsyncPgConnection = &mut *self.platform().get().await?;
        let ended = Prepared(statement).execute(connection).await.or_store_error()?;
        Ok(ended == counted.len())
    }
}

fn keys(counted: &[Counted]) -> Vec<&[u8]> {
    counted.iter().map(|counted| &counted.key.as_bytes()[..]).collect()
}
