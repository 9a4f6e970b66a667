mod operators;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::OptionalExtension;
use diesel_async::RunQueryDsl;
use flows::{IdempotencyHousekeeping, IdempotencyRepo, KeyedRequest, Sender, StoredResponse};
use kernel::seal::Tag;
use kernel::{Operator, OperatorProof, StoreError};

use crate::error::OrStoreError;
use crate::sql::{Count, Prepared, sql, types};
use crate::transaction::{Platform, Tenant, Tx};

/// Hashes the text of an array: elements are quoted, so that different requests have different texts.
const LOCK: &str = "
SELECT pg_try_advisory_xact_lock(
  hashtextextended('parley.idempotency.' || ARRAY[$1, $2, $3, $4]::text, 0)) AS locked";

const FIND: &str = "
SELECT fingerprint, fingerprint_key, status, body FROM idempotency_keys
 WHERE tenant_id = $1 AND user_id = $2 AND route = $3 AND key = $4 AND created_at > $5";

const KEEP: &str = "
INSERT INTO idempotency_keys (tenant_id, user_id, route, key, fingerprint, fingerprint_key, status, body, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (tenant_id, user_id, route, key) DO UPDATE
   SET fingerprint = excluded.fingerprint, fingerprint_key = excluded.fingerprint_key, status = excluded.status,
       body = excluded.body, created_at = excluded.created_at";

const PURGE: &str = "SELECT app.purge_idempotency_keys($1, $2) AS count";

const PURGE_OPERATORS: &str = "
DELETE FROM operator_idempotency_keys
 WHERE (operator, route, key) IN (SELECT operator, route, key FROM operator_idempotency_keys
                                   WHERE created_at < $1 ORDER BY created_at LIMIT $2)";

#[derive(diesel::QueryableByName)]
struct Locked {
    #[diesel(sql_type = types::Bool)]
    locked: bool,
}

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = types::Binary)]
    fingerprint: Vec<u8>,
    #[diesel(sql_type = types::Text)]
    fingerprint_key: String,
    #[diesel(sql_type = types::Integer)]
    status: i32,
    #[diesel(sql_type = types::Text)]
    body: String,
}

/// Starts a statement whose first four parameters say which request it is.
macro_rules! about {
    ($statement:expr, $tx:expr, $user:expr, $request:expr) => {
        sql($statement)
            .bind::<types::Uuid, _>($tx.tenant_id())
            .bind::<types::Uuid, _>($user.as_uuid())
            .bind::<types::Text, _>(&$request.route)
            .bind::<types::Text, _>($request.key.as_str())
    };
}

#[async_trait]
impl IdempotencyRepo for Tx<Tenant> {
    async fn lock_idempotency_key(&mut self, request: &KeyedRequest) -> Result<bool, StoreError> {
        let (place, sender) = match request.sender {
            Sender::User(user) => (self.tenant_id().to_string(), user.to_string()),
            Sender::Operator(operator) => ("operators".to_owned(), operator_name(operator)),
        };
        let statement = Prepared(
            sql(LOCK)
                .bind::<types::Text, _>(place)
                .bind::<types::Text, _>(sender)
                .bind::<types::Text, _>(&request.route)
                .bind::<types::Text, _>(request.key.as_str()),
        );
        let Locked { locked } = statement.get_result(self.connection()).await.or_store_error()?;
        Ok(locked)
    }

    async fn stored_response(
        &mut self,
        request: &KeyedRequest,
        since: DateTime<Utc>,
    ) -> Result<Option<(Tag, StoredResponse)>, StoreError> {
        let user = match request.sender {
            Sender::User(user) => user,
            Sender::Operator(operator) => {
                return self.kept_operator_answer(&operator_name(operator), request, since).await;
            }
        };
        let statement = Prepared(about!(FIND, self, user, request).bind::<types::Timestamptz, _>(since));
        let row: Option<Row> = statement.get_result(self.connection()).await.optional().or_store_error()?;
        row.map(Row::into_answer).transpose()
    }

    async fn store_response(
        &mut self,
        request: &KeyedRequest,
        fingerprint: &Tag,
        answer: &StoredResponse,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let user = match request.sender {
            Sender::User(user) => user,
            Sender::Operator(operator) => {
                return self.keep_operator_answer(&operator_name(operator), request, fingerprint, answer, now).await;
            }
        };
        let statement = about!(KEEP, self, user, request)
            .bind::<types::Binary, _>(fingerprint.bytes.as_slice())
            .bind::<types::Text, _>(&fingerprint.key_id)
            .bind::<types::Integer, _>(i32::from(answer.status))
            .bind::<types::Text, _>(&answer.body)
            .bind::<types::Timestamptz, _>(now);
        self.execute(statement).await?;
        Ok(())
    }
}

#[async_trait]
impl IdempotencyHousekeeping for Tx<Platform> {
    async fn purge_stored_responses(&mut self, before: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        let statement = Prepared(sql(PURGE).bind::<types::Timestamptz, _>(before).bind::<types::BigInt, _>(limit));
        let Count { count } = statement.get_result(self.connection()).await.or_store_error()?;
        let of_operators = sql(PURGE_OPERATORS).bind::<types::Timestamptz, _>(before).bind::<types::BigInt, _>(limit);
        Ok(usize::try_from(count).unwrap_or_default() + self.execute(of_operators).await?)
    }
}

/// A unique text for each operator.
fn operator_name(operator: Operator) -> String {
    match operator.proof() {
        OperatorProof::ProvisioningKey(key) => key.to_string(),
        OperatorProof::BootstrapKey => "bootstrap_key".to_owned(),
        OperatorProof::CommandLine => "command_line".to_owned(),
    }
}

impl Row {
    fn into_answer(self) -> Result<(Tag, StoredResponse), StoreError> {
        let status = u16::try_from(self.status).map_err(|_| StoreError::corrupt("idempotency_keys.status"))?;
        let fingerprint = Tag { key_id: self.fingerprint_key, bytes: self.fingerprint };
        Ok((fingerprint, StoredResponse { status, body: self.body }))
    }
}
