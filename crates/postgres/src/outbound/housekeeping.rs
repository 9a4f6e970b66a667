use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel_async::RunQueryDsl;
use kernel::StoreError;
use outbound::SendHousekeeping;

use crate::error::OrStoreError;
use crate::sql::{Count, Prepared, sql, types};
use crate::transaction::{Platform, Tx};

const PURGE_SENDS: &str = "SELECT app.purge_sends($1, $2) AS count";
const PURGE_PAUSES: &str = "SELECT app.purge_sending_pauses($1, $2) AS count";

#[async_trait]
impl SendHousekeeping for Tx<Platform> {
    async fn purge_sends(&mut self, made_before: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        purge(self, PURGE_SENDS, made_before, limit).await
    }

    async fn purge_pauses(&mut self, ended_before: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        purge(self, PURGE_PAUSES, ended_before, limit).await
    }
}

async fn purge(
    tx: &mut Tx<Platform>,
    statement: &'static str,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<usize, StoreError> {
    let statement = sql(statement).bind::<types::Timestamptz, _>(before).bind::<types::BigInt, _>(limit);
    let Count { count } = Prepared(statement).get_result(tx.connection()).await.or_store_error()?;
    Ok(usize::try_from(count).unwrap_or_default())
}
