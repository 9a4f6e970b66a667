use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, OptionalExtension, QueryDsl, Queryable, Selectable,
    SelectableHelper,
};
use diesel_async::RunQueryDsl;
use kernel::ids::{RoleId, UserId};
use kernel::{Cursor, Page, PageRequest, Permission, PermissionSet, StoreError};
use rbac::{Membership, MembershipRepo, RoleKey, RoleName, SystemRole};
use uuid::Uuid;

use crate::error::OrStoreError;
use crate::keyset::continue_after;
use crate::schema::{memberships, role_permissions, roles, users};
use crate::sql::{Prepared, sql, types};
use crate::transaction::{Tenant, Tx};

const PERMISSIONS_OF_HOLDERS: &str = "
SELECT DISTINCT p.permission FROM memberships holder
  JOIN memberships m ON m.tenant_id = holder.tenant_id AND m.user_id = holder.user_id
  JOIN role_permissions p ON p.tenant_id = m.tenant_id AND p.role_id = m.role_id
 WHERE holder.tenant_id = $1 AND holder.role_id = $2";

#[derive(diesel::QueryableByName)]
struct Key {
    #[diesel(sql_type = types::Text)]
    permission: String,
}

#[derive(Queryable, Selectable)]
struct Row {
    #[diesel(select_expression = memberships::role_id)]
    role: Uuid,
    #[diesel(select_expression = roles::key)]
    key: String,
    #[diesel(select_expression = roles::name)]
    name: String,
    #[diesel(select_expression = roles::system)]
    system: bool,
    #[diesel(select_expression = memberships::created_at)]
    created_at: DateTime<Utc>,
}

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

    async fn delete_membership(&mut self, user: UserId, role: RoleId) -> Result<(), StoreError> {
        diesel::delete(memberships::table.find((self.tenant_id(), user.as_uuid(), role.as_uuid())))
            .execute(self.connection())
            .await
            .or_store_error()?;
        Ok(())
    }

    async fn membership(&mut self, user: UserId, role: RoleId) -> Result<Option<Membership>, StoreError> {
        let same_role = roles::tenant_id.eq(memberships::tenant_id).and(roles::id.eq(memberships::role_id));
        let row: Option<Row> = memberships::table
            .inner_join(roles::table.on(same_role))
            .filter(memberships::tenant_id.eq(self.tenant_id()))
            .filter(memberships::user_id.eq(user.as_uuid()))
            .filter(memberships::role_id.eq(role.as_uuid()))
            .select(Row::as_select())
            .first(self.connection())
            .await
            .optional()
            .or_store_error()?;
        Ok(row.map(Membership::from))
    }

    async fn memberships(&mut self, user: UserId, page: &PageRequest) -> Result<Page<Membership>, StoreError> {
        let same_role = roles::tenant_id.eq(memberships::tenant_id).and(roles::id.eq(memberships::role_id));
        let mut query = memberships::table
            .inner_join(roles::table.on(same_role))
            .filter(memberships::tenant_id.eq(self.tenant_id()))
            .filter(memberships::user_id.eq(user.as_uuid()))
            .order((memberships::created_at.desc(), memberships::role_id.desc()))
            .limit(page.limit.plus_one())
            .select(Row::as_select())
            .into_boxed();
        query = continue_after(query, page.after, memberships::created_at, memberships::role_id);
        let rows: Vec<Row> = query.load(self.connection()).await.or_store_error()?;
        let memberships = rows.into_iter().map(Membership::from).collect();
        Ok(Page::of(memberships, page.limit, |it: &Membership| Cursor::new(it.created_at, it.role.as_uuid())))
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
        // Permissions that this build does not know are ignored.
        Ok(keys.iter().filter_map(|key| key.parse::<Permission>().ok()).collect())
    }

    async fn permissions_of_holders(&mut self, role: RoleId) -> Result<PermissionSet, StoreError> {
        let statement =
            sql(PERMISSIONS_OF_HOLDERS).bind::<types::Uuid, _>(self.tenant_id()).bind::<types::Uuid, _>(role.as_uuid());
        let keys: Vec<Key> = Prepared(statement).load(self.connection()).await.or_store_error()?;
        Ok(keys.iter().filter_map(|key| key.permission.parse::<Permission>().ok()).collect())
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

impl From<Row> for Membership {
    fn from(row: Row) -> Self {
        Self {
            role: RoleId::from_uuid(row.role),
            key: RoleKey::from_stored(row.key),
            name: RoleName::from_stored(row.name),
            system: row.system,
            created_at: row.created_at,
        }
    }
}
