mod operators;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel_async::RunQueryDsl;
use flows::{IdempotencyHousekeeping, IdempotencyRepo, KeyedRequest, Sender, StoredResponse};
use kernel::seal::Tag;
use kernel::{Operator, OperatorProof, StoreError};
use uuid::Uuid;

use crate::error::OrStoreError;
use crate::sql::{Count, Prepared, sql, types};
use crate::transaction::{Platform, Tenant, Tx};

/// Hashes the text of an array: elements are quoted, so that different requests have different texts.
const LOCK_IDEMPOTENCY_KEYS: &str = "
SELECT pg_try_advisory_xact_lock(
         hashtextextended('parley.idempotency.' || ARRAY[n.owner, n.sender, n.route, n.key]::text, 0)) AS locked
  FROM unnest($1, $2, $3, $4) WITH ORDINALITY AS n (owner, sender, route, key, place)
 ORDER BY n.place";

const STORED_RESPONSES: &str = "
SELECT n.place - 1 AS place, i.fingerprint, i.fingerprint_key, i.status, i.body
  FROM unnest($2, $3, $4) WITH ORDINALITY AS n (user_id, route, key, place)
  JOIN idempotency_keys i ON i.tenant_id = $1 AND i.user_id = n.user_id AND i.route = n.route AND i.key = n.key
 WHERE i.created_at > $5";

/// Replaces expired responses.
const STORE_RESPONSES: &str = "
INSERT INTO idempotency_keys (tenant_id, user_id, route, key, fingerprint, fingerprint_key, status, body, created_at)
SELECT $1, n.user_id, n.route, n.key, n.fingerprint, n.fingerprint_key, n.status, n.body, $9
  FROM unnest($2, $3, $4, $5, $6, $7, $8) AS n (user_id, route, key, fingerprint, fingerprint_key, status, body)
    ON CONFLICT (tenant_id, user_id, route, key) DO UPDATE
   SET fingerprint = excluded.fingerprint, fingerprint_key = excluded.fingerprint_key, status = excluded.status,
       body = excluded.body, created_at = excluded.created_at";

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

#[derive(QueryableByName)]
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

/// With the place of its request among those that were asked for.
#[derive(QueryableByName)]
struct PlacedRow {
    #[diesel(sql_type = types::BigInt)]
    place: i64,
    #[diesel(embed)]
    row: Row,
}

#[async_trait]
impl IdempotencyRepo for Tx<Tenant> {
    async fn lock_idempotency_keys(&mut self, requests: &[&KeyedRequest]) -> Result<Vec<bool>, StoreError> {
        let (owners, senders): (Vec<String>, Vec<String>) = requests
            .iter()
            .map(|request| match request.sender {
                Sender::User(user) => (self.tenant_id().to_string(), user.to_string()),
                Sender::ApiKey(key) => (self.tenant_id().to_string(), key.to_string()),
                Sender::Operator(operator) => ("operators".to_owned(), operator_name(operator)),
            })
            .unzip();
        let (routes, keys) = routes_and_keys(requests.iter().copied());
        let statement = Prepared(
            sql(LOCK_IDEMPOTENCY_KEYS)
                .bind::<types::Texts, _>(owners)
                .bind::<types::Texts, _>(senders)
                .bind::<types::Texts, _>(routes)
                .bind::<types::Texts, _>(keys),
        );
        let rows: Vec<Locked> = statement.load(self.connection()).await.or_store_error()?;
        Ok(rows.into_iter().map(|row| row.locked).collect())
    }

    async fn stored_responses(
        &mut self,
        requests: &[&KeyedRequest],
        since: DateTime<Utc>,
    ) -> Result<Vec<Option<(Tag, StoredResponse)>>, StoreError> {
        let mut found: Vec<_> = requests.iter().map(|_| None).collect();
        let (mut places, mut of_tenant, mut senders) = (Vec::new(), Vec::new(), Vec::new());
        for (place, request) in requests.iter().enumerate() {
            match sender_of_tenant(request.sender) {
                Ok(sender) => {
                    places.push(place);
                    of_tenant.push(*request);
                    senders.push(sender);
                }
                Err(operator) => {
                    found[place] = self.find_operator_response(&operator_name(operator), request, since).await?;
                }
            }
        }
        if of_tenant.is_empty() {
            return Ok(found);
        }
        let (routes, keys) = routes_and_keys(of_tenant.into_iter());
        let statement = sql(STORED_RESPONSES)
            .bind::<types::Uuid, _>(self.tenant_id())
            .bind::<types::Uuids, _>(senders)
            .bind::<types::Texts, _>(routes)
            .bind::<types::Texts, _>(keys)
            .bind::<types::Timestamptz, _>(since);
        let rows: Vec<PlacedRow> = Prepared(statement).load(self.connection()).await.or_store_error()?;
        for PlacedRow { place, row } in rows {
            let place = usize::try_from(place).ok().and_then(|place| places.get(place));
            if let Some(found) = place.and_then(|place| found.get_mut(*place)) {
                *found = Some(row.into_response()?);
            }
        }
        Ok(found)
    }

    async fn store_responses(
        &mut self,
        responses: &[(&KeyedRequest, Tag, &StoredResponse)],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let (mut of_tenant, mut senders) = (Vec::new(), Vec::new());
        for response in responses {
            let (request, fingerprint, answer) = response;
            match sender_of_tenant(request.sender) {
                Ok(sender) => {
                    of_tenant.push(response);
                    senders.push(sender);
                }
                Err(operator) => {
                    let operator = operator_name(operator);
                    self.store_operator_response(&operator, request, fingerprint, answer, now).await?;
                }
            }
        }
        if of_tenant.is_empty() {
            return Ok(());
        }
        let (routes, keys) = routes_and_keys(of_tenant.iter().map(|(request, ..)| *request));
        let statement = sql(STORE_RESPONSES)
            .bind::<types::Uuid, _>(self.tenant_id())
            .bind::<types::Uuids, _>(senders)
            .bind::<types::Texts, _>(routes)
            .bind::<types::Texts, _>(keys)
            .bind::<types::Binaries, _>(of_tenant.iter().map(|(_, tag, _)| tag.bytes.as_slice()).collect::<Vec<_>>())
            .bind::<types::Texts, _>(of_tenant.iter().map(|(_, tag, _)| tag.key_id.as_str()).collect::<Vec<_>>())
            .bind::<types::Integers, _>(of_tenant.iter().map(|it| i32::from(it.2.status)).collect::<Vec<_>>())
            .bind::<types::Texts, _>(of_tenant.iter().map(|it| it.2.body.as_str()).collect::<Vec<_>>())
            .bind::<types::Timestamptz, _>(now);
        self.execute(statement).await?;
        Ok(())
    }
}

/// The id of a user or an API key, which are never equal.
const fn sender_of_tenant(sender: Sender) -> Result<Uuid, Operator> {
    match sender {
        Sender::User(user) => Ok(user.as_uuid()),
        Sender::ApiKey(key) => Ok(key.as_uuid()),
        Sender::Operator(operator) => Err(operator),
    }
}

fn routes_and_keys<'r>(requests: impl Iterator<Item = &'r KeyedRequest>) -> (Vec<&'r str>, Vec<&'r str>) {
    requests.map(|request| (request.route.as_str(), request.key.as_str())).unzip()
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
