use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::ExpressionMethods;
use diesel_async::RunQueryDsl;
use kernel::StoreError;
use rbac::{Role, RoleRepo};

use crate::error::OrStoreError;
use crate::schema::{role_permissions, roles};
use crate::transaction::{Tenant, Tx};

#[async_trait]
impl RoleRepo for Tx<Tenant> {
    async fn insert_roles(&mut self, new: &[Role], now: DateTime<Utc>) -> Result<(), StoreError> {
        let tenant = self.tenant_id();
        let rows: Vec<_> = new
            .iter()
            .map(|role| {
                (
                    roles::tenant_id.eq(tenant),
                    roles::id.eq(role.id.as_uuid()),
                    roles::key.eq(role.key.as_str()),
                    roles::name.eq(role.name.as_str()),
                    roles::system.eq(role.system),
                    roles::created_at.eq(now),
                )
            })
            .collect();
        diesel::insert_into(roles::table).values(rows).execute(self.connection()).await.or_store_error()?;

        let rows: Vec<_> = new
            .iter()
            .flat_map(|role| {
                role.permissions.iter().map(|permission| {
                    (
                        role_permissions::tenant_id.eq(tenant),
                        role_permissions::role_id.eq(role.id.as_uuid()),
                        role_permissions::permission.eq(permission.key()),
                    )
                })
            })
            .collect();
        diesel::insert_into(role_permissions::table).values(rows).execute(self.connection()).await.or_store_error()?;
        Ok(())
    }
}
