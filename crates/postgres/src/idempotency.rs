mod operators;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::{
    AsChangeset, ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable, QueryableByName, Selectable,
    SelectableHelper,
};
use diesel_async::RunQueryDsl;
use flows::{IdempotencyHousekeeping, IdempotencyRepo, KeyedRequest, Sender, StoredResponse};
use kernel::seal::Tag;
use kernel::{Operator, OperatorProof, StoreError};

use crate::error::OrStoreError;
use crate::schema::idempotency_keys;
use crate::sql::{Count, Prepared, sql, types};
use crate::transaction::{Platform, Tenant, Tx};

/// Hashes the text of an array: elements are quoted, so that different requests have different texts.
const LOCK_IDEMPOTENCY_KEY: &str = "
SELECT pg_try_advisory_xact_lock(
  hashtextextended('parley.idempotency.' || ARRAY[$1, $2, $3, $4]::text, 0)) AS locked";

const PURGE_STORED_RESPONSES: &str = "SELECT app.purge_idempotency_keys($1, $2) AS count";

const PURGE_RESPONSES_TO_OPERATORS: &str = "
DELETE FROM operator_idempotency_keys
 WHERE (operator, route, key) IN (SELECT operator, route, key FROM operator_idempotency_keys
                                   WHERE created_at < $1 ORDER BY created_at LIMIT $2)";

#[derive(QueryableByName)]
struct Locked {
    #[diesel(sql_type = types::Bool)]
    locked: bool,
}

#[derive(AsChangeset, Insertable, Queryable, QueryableByName, Selectable)]
#[diesel(table_name = idempotency_keys)]
struct Row {
    fingerprint: Vec<u8>,
    fingerprint_key: String,
    status: i32,
    body: String,
}

#[async_trait]
impl IdempotencyRepo for Tx<Tenant> {
    async fn lock_idempotency_key(&mut self, request: &KeyedRequest) -> Result<bool, StoreError> {
        let (place, sender) = match request.sender {
            Sender::User(user) => (self.tenant_id().to_string(), user.to_string()),
            Sender::ApiKey(key) => (self.tenant_id().to_string(), key.to_string()),
            Sender::Operator(operator) => ("operators".to_owned(), operator_name(operator)),
        };
        let statement = Prepared(
            sql(LOCK_IDEMPOTENCY_KEY)
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
        // The ids of users and API keys are never equal.
        let sender = match request.sender {
            Sender::User(user) => user.as_uuid(),
            Sender::ApiKey(key) => key.as_uuid(),
            Sender::Operator(operator) => {
                return self.find_operator_response(&operator_name(operator), request, since).await;
            }
        };
        let row: Option<Row> = idempotency_keys::table
            .find((self.tenant_id(), sender, &request.route, request.key.as_str()))
            .filter(idempotency_keys::created_at.gt(since))
            .select(Row::as_select())
            .first(self.connection())
            .await
            .optional()
            .or_store_error()?;
        row.map(Row::into_response).transpose()
    }

    async fn store_response(
        &mut self,
        request: &KeyedRequest,
        fingerprint: &Tag,
        response: &StoredResponse,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        use idempotency_keys::{created_at, key, route, table, tenant_id, user_id};

        // The ids of users and API keys are never equal.
        let sender = match request.sender {
            Sender::User(user) => user.as_uuid(),
            Sender::ApiKey(program) => program.as_uuid(),
            Sender::Operator(operator) => {
                return self
                    .store_operator_response(&operator_name(operator), request, fingerprint, response, now)
                    .await;
            }
        };
        let row = Row {
            fingerprint: fingerprint.bytes.clone(),
            fingerprint_key: fingerprint.key_id.clone(),
            status: i32::from(response.status),
            body: response.body.clone(),
        };
        let id = (
            tenant_id.eq(self.tenant_id()),
            user_id.eq(sender),
            route.eq(&request.route),
            key.eq(request.key.as_str()),
        );
        // Replaces an expired response.
        diesel::insert_into(table)
            .values((id, &row, created_at.eq(now)))
            .on_conflict((tenant_id, user_id, route, key))
            .do_update()
            .set((&row, created_at.eq(now)))
            .execute(self.connection())
            .await
            .or_store_error()?;
        Ok(())
    }
}

#[async_trait]
impl IdempotencyHousekeeping for Tx<Platform> {
    async fn purge_stored_responses(&mut self, before: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        let statement =
            Prepared(sql(PURGE_STORED_RESPONSES).bind::<types::Timestamptz, _>(before).bind::<types::BigInt, _>(limit));
        let Count { count } = statement.get_result(self.connection()).await.or_store_error()?;
        let of_operators =
            sql(PURGE_RESPONSES_TO_OPERATORS).bind::<types::Timestamptz, _>(before).bind::<types::BigInt, _>(limit);
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
    fn into_response(self) -> Result<(Tag, StoredResponse), StoreError> {
        let status = u16::try_from(self.status).map_err(|_| StoreError::corrupt("idempotency_keys.status"))?;
        let fingerprint = Tag { key_id: self.fingerprint_key, bytes: self.fingerprint };
        Ok((fingerprint, StoredResponse { status, body: self.body }))
    }
}
