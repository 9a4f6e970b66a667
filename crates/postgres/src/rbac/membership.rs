use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::{BoolExpressionMethods, ExpressionMethods, JoinOnDsl, QueryDsl};
use diesel_async::RunQueryDsl;
use kernel::StoreError;
use kernel::ids::{RoleId, UserId};
use rbac::{MembershipRepo, RoleKey};

use crate::error::OrStoreError;
use crate::schema::{memberships, roles};
use crate::transaction::{Tenant, Tx};

#[async_trait]
impl MembershipRepo for Tx<Tenant> {
    async fn insert_membership(&mut self, user: UserId, role: RoleId, now: DateTime<Utc>) -> Result<(), StoreError> {
        diesel::insert_into(memberships::table)
            .values((
                memberships::tenant_id.eq(self.tenant_id()),
                memberships::user_id.eq(user.as_uuid()),
                memberships::role_id.eq(role.as_uuid()),
                memberships::created_at.eq(now),
            ))
            .execute(self.connection())
            .await
            .or_store_error()?;
        Ok(())
    }

    async fn role_keys(&mut self, user: UserId) -> Result<Vec<RoleKey>, StoreError> {
        let same_role = roles::tenant_id.eq(memberships::tenant_id).and(roles::id.eq(memberships::role_id));
        let keys: Vec<String> = memberships::table
            .inner_join(roles::table.on(same_role))
            .filter(memberships::tenant_id.eq(self.tenant_id()))
            .filter(memberships::user_id.eq(user.as_uuid()))
            .order(roles::key)
            .select(roles::key)
            .load(self.connection())
            .await
            .or_store_error()?;
        Ok(keys.into_iter().map(RoleKey::from_stored).collect())
    }
}
