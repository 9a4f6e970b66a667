use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, Queryable, Selectable, SelectableHelper,
};
use diesel_async::RunQueryDsl;
use kernel::ids::{ApiKeyId, UserId};
use kernel::{Cursor, Page, PageRequest, Permission, PermissionSet, StoreError};
use tokens::{ApiKey, ApiKeyHash, ApiKeyHousekeeping, ApiKeyName, ApiKeyRepo, Networks};
use uuid::Uuid;

use crate::error::OrStoreError;
use crate::keyset::continue_after;
use crate::schema::api_keys;
use crate::sql::{Count, Prepared, sql, types};
use crate::transaction::{Platform, Tenant, Tx};

/// In one statement: the expressions see the row as it was.
const REPLACE_SECRET: &str = "
UPDATE api_keys SET previous_hash = secret_hash, previous_valid_until = $4, secret_hash = $3
 WHERE tenant_id = $1 AND id = $2";

/// All of a key except its hashes.
#[derive(Queryable, Selectable)]
#[diesel(table_name = api_keys)]
pub(crate) struct Row {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) permissions: Vec<String>,
    pub(crate) networks: Vec<String>,
    pub(crate) created_by: Option<Uuid>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) expires_at: DateTime<Utc>,
    pub(crate) revoked_at: Option<DateTime<Utc>>,
    pub(crate) last_used_at: Option<DateTime<Utc>>,
    pub(crate) previous_valid_until: Option<DateTime<Utc>>,
}

#[async_trait]
impl ApiKeyRepo for Tx<Tenant> {
    async fn insert_api_key(&mut self, key: &ApiKey, hash: &ApiKeyHash) -> Result<(), StoreError> {
        diesel::insert_into(api_keys::table)
            .values((
                api_keys::tenant_id.eq(self.tenant_id()),
                api_keys::id.eq(key.id.as_uuid()),
                api_keys::name.eq(key.name.as_str()),
                api_keys::permissions.eq(texts(&key.permissions)),
                api_keys::networks.eq(key.networks.texts()),
                api_keys::secret_hash.eq(hash.as_bytes()),
                api_keys::created_by.eq(key.created_by.map(UserId::as_uuid)),
                api_keys::created_at.eq(key.created_at),
                api_keys::expires_at.eq(key.expires_at),
            ))
            .execute(self.connection())
            .await
            .or_store_error()?;
        Ok(())
    }

    async fn api_keys(&mut self, maker: Option<UserId>, page: &PageRequest) -> Result<Page<ApiKey>, StoreError> {
        let mut query = api_keys::table
            .filter(api_keys::tenant_id.eq(self.tenant_id()))
            .order((api_keys::created_at.desc(), api_keys::id.desc()))
            .limit(page.limit.plus_one())
            .select(Row::as_select())
            .into_boxed();
        if let Some(maker) = maker {
            query = query.filter(api_keys::created_by.eq(maker.as_uuid()));
        }
        query = continue_after(query, page.after, api_keys::created_at, api_keys::id);
        let rows: Vec<Row> = query.load(self.connection()).await.or_store_error()?;
        let keys = rows.into_iter().map(Row::into_key).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::of(keys, page.limit, |key: &ApiKey| Cursor::new(key.created_at, key.id.as_uuid())))
    }

    async fn api_key(&mut self, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
        let row: Option<Row> = api_keys::table
            .find((self.tenant_id(), id.as_uuid()))
            .select(Row::as_select())
            .first(self.connection())
            .await
            .optional()
            .or_store_error()?;
        row.map(Row::into_key).transpose()
    }

    async fn lock_api_key(&mut self, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
        let row: Option<Row> = api_keys::table
            .find((self.tenant_id(), id.as_uuid()))
            .select(Row::as_select())
            .for_no_key_update()
            .first(self.connection())
            .await
            .optional()
            .or_store_error()?;
        row.map(Row::into_key).transpose()
    }

    async fn active_api_keys(&mut self, now: DateTime<Utc>) -> Result<i64, StoreError> {
        api_keys::table
            .filter(api_keys::tenant_id.eq(self.tenant_id()))
            .filter(api_keys::revoked_at.is_null().and(api_keys::expires_at.gt(now)))
            .count()
            .get_result(self.connection())
            .await
            .or_store_error()
    }

    async fn active_api_keys_of(&mut self, maker: UserId, now: DateTime<Utc>) -> Result<Vec<ApiKey>, StoreError> {
        let rows: Vec<Row> = api_keys::table
            .filter(api_keys::tenant_id.eq(self.tenant_id()))
            .filter(api_keys::created_by.eq(maker.as_uuid()))
            .filter(api_keys::revoked_at.is_null().and(api_keys::expires_at.gt(now)))
            .order((api_keys::created_at.desc(), api_keys::id.desc()))
            .select(Row::as_select())
            .load(self.connection())
            .await
            .or_store_error()?;
        rows.into_iter().map(Row::into_key).collect()
    }

    async fn update_api_key(&mut self, key: &ApiKey) -> Result<(), StoreError> {
        diesel::update(api_keys::table.find((self.tenant_id(), key.id.as_uuid())))
            .set((
                api_keys::name.eq(key.name.as_str()),
                api_keys::permissions.eq(texts(&key.permissions)),
                api_keys::networks.eq(key.networks.texts()),
                api_keys::expires_at.eq(key.expires_at),
                api_keys::revoked_at.eq(key.revoked_at),
            ))
            .execute(self.connection())
            .await
            .or_store_error()?;
        Ok(())
    }

    async fn replace_api_key_secret(
        &mut self,
        id: ApiKeyId,
        hash: &ApiKeyHash,
        previous_valid_until: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let statement = sql(REPLACE_SECRET)
            .bind::<types::Uuid, _>(self.tenant_id())
            .bind::<types::Uuid, _>(id.as_uuid())
            .bind::<diesel::sql_types::Bytea, _>(hash.as_bytes())
            .bind::<types::Timestamptz, _>(previous_valid_until);
        self.execute(statement).await?;
        Ok(())
    }
}

#[async_trait]
impl ApiKeyHousekeeping for Tx<Platform> {
    async fn purge_api_keys(&mut self, ended_before: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        let statement = sql("SELECT app.purge_api_keys($1, $2) AS count")
            .bind::<types::Timestamptz, _>(ended_before)
            .bind::<types::BigInt, _>(limit);
        let row: Count = Prepared(statement).get_result(self.connection()).await.or_store_error()?;
        usize::try_from(row.count).map_err(|_| StoreError::corrupt("app.purge_api_keys"))
    }
}

fn texts(permissions: &PermissionSet) -> Vec<&'static str> {
    permissions.iter().map(Permission::key).collect()
}

impl Row {
    pub(crate) fn into_key(self) -> Result<ApiKey, StoreError> {
        let corrupt = || StoreError::corrupt("api_keys.networks");
        let networks = self.networks.iter().map(|text| Networks::parse_one(text)).collect::<Result<_, _>>();
        Ok(ApiKey {
            id: ApiKeyId::from_uuid(self.id),
            name: ApiKeyName::from_stored(self.name),
            // Permissions that this build does not know, or does not give to keys, are ignored.
            permissions: self
                .permissions
                .iter()
                .filter_map(|key| key.parse::<Permission>().ok())
                .filter(|permission| permission.is_for_keys())
                .collect(),
            // A network that cannot be read must not become the permission to come from everywhere.
            networks: Networks::new(networks.map_err(|_| corrupt())?).map_err(|_| corrupt())?,
            created_by: self.created_by.map(UserId::from_uuid),
            created_at: self.created_at,
            expires_at: self.expires_at,
            revoked_at: self.revoked_at,
            last_used_at: self.last_used_at,
            previous_valid_until: self.previous_valid_until,
        })
    }
}
