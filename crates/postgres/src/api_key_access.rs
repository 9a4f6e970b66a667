use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, Bool, Bytea, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{OptionalExtension, QueryableByName};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use flows::StoredApiKey;
use kernel::ids::ApiKeyId;
use kernel::{StoreError, TenantScope};
use tokens::ApiKeyHash;
use uuid::Uuid;

use crate::error::OrStoreError;
use crate::iam::TenantColumns;
use crate::sql::{Prepared, sql};
use crate::tokens::ApiKeyRow;

#[derive(QueryableByName)]
struct Row {
    #[diesel(embed)]
    tenant: TenantColumns,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Array<Text>)]
    permissions: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    networks: Vec<String>,
    #[diesel(sql_type = Bytea)]
    secret_hash: Vec<u8>,
    #[diesel(sql_type = Nullable<Bytea>)]
    previous_hash: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    previous_valid_until: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    created_by: Option<Uuid>,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    expires_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    revoked_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    last_used_at: Option<DateTime<Utc>>,
}

#[derive(QueryableByName)]
struct Recorded {
    #[diesel(sql_type = Bool)]
    #[expect(dead_code, reason = "another request may have recorded its use; that is all right")]
    recorded: bool,
}

/// A single statement without an explicit transaction: `app.api_key_access` sets the tenant for the statement's own transaction.
pub(crate) async fn read(
    connection: &mut AsyncPgConnection,
    scope: &TenantScope,
    key: ApiKeyId,
) -> Result<Option<StoredApiKey>, StoreError> {
    let row: Option<Row> = Prepared(
        sql("SELECT * FROM app.api_key_access($1, $2)")
            .bind::<SqlUuid, _>(scope.tenant().as_uuid())
            .bind::<SqlUuid, _>(key.as_uuid()),
    )
    .get_result(connection)
    .await
    .optional()
    .or_store_error()?;
    row.map(|row| row.into_stored(scope, key)).transpose()
}

/// As [`read`], for the time of a use.
pub(crate) async fn record_use(
    connection: &mut AsyncPgConnection,
    scope: &TenantScope,
    key: ApiKeyId,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let _: Recorded = Prepared(
        sql("SELECT app.record_api_key_use($1, $2, $3) AS recorded")
            .bind::<SqlUuid, _>(scope.tenant().as_uuid())
            .bind::<SqlUuid, _>(key.as_uuid())
            .bind::<Timestamptz, _>(now),
    )
    .get_result(connection)
    .await
    .or_store_error()?;
    Ok(())
}

impl Row {
    fn into_stored(self, scope: &TenantScope, key: ApiKeyId) -> Result<StoredApiKey, StoreError> {
        let row = ApiKeyRow {
            id: key.as_uuid(),
            name: self.name,
            permissions: self.permissions,
            networks: self.networks,
            created_by: self.created_by,
            created_at: self.created_at,
            expires_at: self.expires_at,
            revoked_at: self.revoked_at,
            last_used_at: self.last_used_at,
            previous_valid_until: self.previous_valid_until,
        };
        Ok(StoredApiKey {
            key: row.into_key()?,
            tenant: self.tenant.into_tenant(scope.tenant())?,
            current: hash(self.secret_hash)?,
            previous: self.previous_hash.map(hash).transpose()?,
        })
    }
}

fn hash(bytes: Vec<u8>) -> Result<ApiKeyHash, StoreError> {
    let bytes = bytes.try_into().map_err(|_| StoreError::corrupt("api_keys.secret_hash"))?;
    Ok(ApiKeyHash::from_stored(bytes))
}
