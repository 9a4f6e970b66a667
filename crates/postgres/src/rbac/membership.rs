use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::{BoolExpressionMethods, ExpressionMethods, JoinOnDsl, QueryDsl};
use diesel_async::RunQueryDsl;
use kernel::ids::{RoleId, UserId};
use kernel::{Permission, PermissionSet, StoreError};
use rbac::{MembershipRepo, RoleKey, SystemRole};
use uuid::Uuid;

use crate::error::OrStoreError;
use crate::schema::{memberships, role_permissions, roles, users};
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

    async fn role_keys_of(&mut self, users: &[UserId]) -> Result<Vec<(UserId, RoleKey)>, StoreError> {
        let users: Vec<Uuid> = users.iter().map(|user| user.as_uuid()).collect();
        let same_role = roles::tenant_id.eq(memberships::tenant_id).and(roles::id.eq(memberships::role_id));
        let keys: Vec<(Uuid, String)> = memberships::table
            .inner_join(roles::table.on(same_role))
            .filter(memberships::tenant_id.eq(self.tenant_id()))
            .filter(memberships::user_id.eq_any(users))
            .order((memberships::user_id, roles::key))
            .select((memberships::user_id, roles::key))
            .load(self.connection())
            .await
            .or_store_error()?;
        Ok(keys.into_iter().map(|(user, key)| (UserId::from_uuid(user), RoleKey::from_stored(key))).collect())
    }

    async fn permissions(&mut self, user: UserId) -> Result<PermissionSet, StoreError> {
        let of_role = role_permissions::tenant_id
            .eq(memberships::tenant_id)
            .and(role_permissions::role_id.eq(memberships::role_id));
        let keys: Vec<String> = memberships::table
            .inner_join(role_permissions::table.on(of_role))
            .filter(memberships::tenant_id.eq(self.tenant_id()))
            .filter(memberships::user_id.eq(user.as_uuid()))
            .select(role_permissions::permission)
            .distinct()
            .load(self.connection())
            .await
            .or_store_error()?;
        // A key that this build does not know gives nothing.
        Ok(keys.iter().filter_map(|key| key.parse::<Permission>().ok()).collect())
    }

    async fn active_owners(&mut self) -> Result<i64, StoreError> {
        let same_role = roles::tenant_id.eq(memberships::tenant_id).and(roles::id.eq(memberships::role_id));
        let same_user = users::tenant_id.eq(memberships::tenant_id).and(users::id.eq(memberships::user_id));
        memberships::table
            .inner_join(roles::table.on(same_role))
            .inner_join(users::table.on(same_user))
            .filter(memberships::tenant_id.eq(self.tenant_id()))
            .filter(roles::system.eq(true))
            .filter(roles::key.eq(SystemRole::Owner.key().as_str()))
            .filter(users::status.eq("active"))
            .count()
            .get_result(self.connection())
            .await
            .or_store_error()
    }
}
