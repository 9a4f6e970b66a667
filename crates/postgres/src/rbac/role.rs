use std::sync::LazyLock;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::sql_types::Nullable;
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl};
use diesel_async::RunQueryDsl;
use kernel::ids::RoleId;
use kernel::{Cursor, Page, PageRequest, Permission, PermissionSet, StoreError};
use rbac::{Role, RoleKey, RoleName, RoleRepo};
use uuid::Uuid;

use crate::error::OrStoreError;
use crate::schema::{role_permissions, roles};
use crate::sql::{Prepared, sql, types};
use crate::transaction::{Tenant, Tx};

/// Roles with their permissions. A tenant has little more than a hundred, so there is no index in the order of the list.
const ROLES: &str = "SELECT r.id, r.key, r.name, r.system, r.version, r.created_at,
                            ARRAY(SELECT p.permission FROM role_permissions p
                                   WHERE p.tenant_id = r.tenant_id AND p.role_id = r.id) AS permissions
                       FROM roles r WHERE r.tenant_id = $1";

static ONE: LazyLock<String> = LazyLock::new(|| format!("{ROLES} AND r.id = $2"));

static LIST: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{ROLES} AND ($2 IS NULL OR (r.created_at, r.id) < ($2, $3)) ORDER BY r.created_at DESC, r.id DESC LIMIT $4"
    )
});

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = types::Text)]
    key: String,
    #[diesel(sql_type = types::Text)]
    name: String,
    #[diesel(sql_type = types::Bool)]
    system: bool,
    #[diesel(sql_type = types::BigInt)]
    version: i64,
    #[diesel(sql_type = types::Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = types::Texts)]
    permissions: Vec<String>,
}

#[async_trait]
impl RoleRepo for Tx<Tenant> {
    async fn insert_roles(&mut self, new: &[Role]) -> Result<(), StoreError> {
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
                    roles::version.eq(role.version),
                    roles::created_at.eq(role.created_at),
                )
            })
            .collect();
        diesel::insert_into(roles::table).values(rows).execute(self.connection()).await.or_store_error()?;
        for role in new {
            self.insert_permissions(role.id, &role.permissions).await?;
        }
        Ok(())
    }

    async fn role(&mut self, id: RoleId) -> Result<Option<Role>, StoreError> {
        let statement =
            Prepared(sql(&ONE).bind::<types::Uuid, _>(self.tenant_id()).bind::<types::Uuid, _>(id.as_uuid()));
        let row: Option<Row> = statement.get_result(self.connection()).await.optional().or_store_error()?;
        Ok(row.map(Role::from))
    }

    async fn roles(&mut self, page: &PageRequest) -> Result<Page<Role>, StoreError> {
        let statement = sql(&LIST)
            .bind::<types::Uuid, _>(self.tenant_id())
            .bind::<Nullable<types::Timestamptz>, _>(page.after.map(|cursor| cursor.time))
            .bind::<Nullable<types::Uuid>, _>(page.after.map(|cursor| cursor.id))
            .bind::<types::BigInt, _>(page.limit.plus_one());
        let rows: Vec<Row> = Prepared(statement).load(self.connection()).await.or_store_error()?;
        let roles = rows.into_iter().map(Role::from).collect();
        Ok(Page::of(roles, page.limit, |role: &Role| Cursor::new(role.created_at, role.id.as_uuid())))
    }

    async fn role_names(&mut self) -> Result<Vec<(RoleId, RoleName)>, StoreError> {
        let query = roles::table.filter(roles::tenant_id.eq(self.tenant_id())).select((roles::id, roles::name));
        let rows: Vec<(Uuid, String)> = query.load(self.connection()).await.or_store_error()?;
        Ok(rows.into_iter().map(|(id, name)| (RoleId::from_uuid(id), RoleName::from_stored(name))).collect())
    }

    async fn custom_roles(&mut self) -> Result<i64, StoreError> {
        roles::table
            .filter(roles::tenant_id.eq(self.tenant_id()))
            .filter(roles::system.eq(false))
            .count()
            .get_result(self.connection())
            .await
            .or_store_error()
    }

    async fn update_role(&mut self, role: &Role) -> Result<(), StoreError> {
        let (tenant, id) = (self.tenant_id(), role.id.as_uuid());
        diesel::update(roles::table.find((tenant, id)))
            .set((roles::name.eq(role.name.as_str()), roles::version.eq(role.version)))
            .execute(self.connection())
            .await
            .or_store_error()?;
        let of_role = role_permissions::table
            .filter(role_permissions::tenant_id.eq(tenant))
            .filter(role_permissions::role_id.eq(id));
        diesel::delete(of_role).execute(self.connection()).await.or_store_error()?;
        self.insert_permissions(role.id, &role.permissions).await
    }

    async fn delete_role(&mut self, id: RoleId) -> Result<(), StoreError> {
        diesel::delete(roles::table.find((self.tenant_id(), id.as_uuid())))
            .execute(self.connection())
            .await
            .or_store_error()?;
        Ok(())
    }
}

impl Tx<Tenant> {
    async fn insert_permissions(&mut self, role: RoleId, permissions: &PermissionSet) -> Result<(), StoreError> {
        let tenant = self.tenant_id();
        let rows: Vec<_> = permissions
            .iter()
            .map(|permission| {
                (
                    role_permissions::tenant_id.eq(tenant),
                    role_permissions::role_id.eq(role.as_uuid()),
                    role_permissions::permission.eq(permission.key()),
                )
            })
            .collect();
        diesel::insert_into(role_permissions::table).values(rows).execute(self.connection()).await.or_store_error()?;
        Ok(())
    }
}

impl From<Row> for Role {
    fn from(row: Row) -> Self {
        Self {
            id: RoleId::from_uuid(row.id),
            key: RoleKey::from_stored(row.key),
            name: RoleName::from_stored(row.name),
            system: row.system,
            // Permissions that this build does not know are ignored.
            permissions: row.permissions.iter().filter_map(|key| key.parse::<Permission>().ok()).collect(),
            version: row.version,
            created_at: row.created_at,
        }
    }
}
