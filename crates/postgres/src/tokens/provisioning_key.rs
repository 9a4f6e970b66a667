use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, Queryable, Selectable, SelectableHelper,
};
use diesel_async::RunQueryDsl;
use kernel::StoreError;
use kernel::ids::ProvisioningKeyId;
use tokens::{KeyScope, ProvisioningKey, ProvisioningKeyHash, ProvisioningKeyRepo};
use uuid::Uuid;

use crate::error::OrStoreError;
use crate::schema::provisioning_keys;
use crate::transaction::{Platform, Tx};

/// Minimum interval between two updates of `last_used_at`.
const USE_RECORDED_EVERY: TimeDelta = TimeDelta::minutes(1);

#[derive(Queryable, Selectable)]
#[diesel(table_name = provisioning_keys)]
struct Row {
    id: Uuid,
    name: String,
    scopes: Vec<String>,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
}

#[async_trait]
impl ProvisioningKeyRepo for Tx<Platform> {
    async fn insert_provisioning_key(
        &mut self,
        key: &ProvisioningKey,
        hash: &ProvisioningKeyHash,
    ) -> Result<(), StoreError> {
        let scopes: Vec<&str> = key.scopes.iter().map(KeyScope::into_str).collect();
        diesel::insert_into(provisioning_keys::table)
            .values((
                provisioning_keys::id.eq(key.id.as_uuid()),
                provisioning_keys::key_hash.eq(hash.as_bytes()),
                provisioning_keys::name.eq(&key.name),
                provisioning_keys::scopes.eq(scopes),
                provisioning_keys::created_at.eq(key.created_at),
                provisioning_keys::expires_at.eq(key.expires_at),
            ))
            .execute(self.connection())
            .await
            .or_store_error()?;
        Ok(())
    }

    async fn provisioning_keys(&mut self) -> Result<Vec<ProvisioningKey>, StoreError> {
        let rows: Vec<Row> = provisioning_keys::table
            .order((provisioning_keys::created_at.desc(), provisioning_keys::id.desc()))
            .select(Row::as_select())
            .load(self.connection())
            .await
            .or_store_error()?;
        Ok(rows.into_iter().map(Row::into_key).collect())
    }

    async fn provisioning_key(&mut self, hash: &ProvisioningKeyHash) -> Result<Option<ProvisioningKey>, StoreError> {
        let row: Option<Row> = provisioning_keys::table
            .filter(provisioning_keys::key_hash.eq(hash.as_bytes()))
            .select(Row::as_select())
            .first(self.connection())
            .await
            .optional()
            .or_store_error()?;
        Ok(row.map(Row::into_key))
    }

    async fn record_provisioning_key_use(
        &mut self,
        key: ProvisioningKeyId,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let long_ago =
            provisioning_keys::last_used_at.is_null().or(provisioning_keys::last_used_at.lt(now - USE_RECORDED_EVERY));
        diesel::update(provisioning_keys::table.find(key.as_uuid()).filter(long_ago))
            .set(provisioning_keys::last_used_at.eq(now))
            .execute(self.connection())
            .await
            .or_store_error()?;
        Ok(())
    }

    async fn revoke_provisioning_key(
        &mut self,
        key: ProvisioningKeyId,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let in_force = provisioning_keys::table.find(key.as_uuid()).filter(provisioning_keys::revoked_at.is_null());
        let revoked = diesel::update(in_force)
            .set(provisioning_keys::revoked_at.eq(now))
            .execute(self.connection())
            .await
            .or_store_error()?;
        Ok(revoked == 1)
    }
}

impl Row {
    fn into_key(self) -> ProvisioningKey {
        ProvisioningKey {
            id: ProvisioningKeyId::from_uuid(self.id),
            name: self.name,
            // Scopes that this build does not know are ignored.
            scopes: self.scopes.iter().filter_map(|scope| scope.parse().ok()).collect::<BTreeSet<KeyScope>>(),
            created_at: self.created_at,
            expires_at: self.expires_at,
            revoked_at: self.revoked_at,
            last_used_at: self.last_used_at,
        }
    }
}
