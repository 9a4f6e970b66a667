use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel::ids::{RoleId, UserId};
use kernel::{Page, PageRequest, PermissionSet, StoreError};

use crate::{Membership, Role, RoleKey, RoleName};

/// Database constraints that this domain turns into errors.
pub mod constraint {
    /// The tenant has a role with that key.
    pub const ROLE_KEY: &str = "roles_tenant_id_key_key";
    /// A user still has the role.
    pub const ROLE_IN_USE: &str = "memberships_tenant_id_role_id_fkey";
}

/// Roles of the transaction's tenant.
#[async_trait]
pub trait RoleRepo: Send {
    /// Conflicts with [`constraint::ROLE_KEY`].
    async fn insert_roles(&mut self, roles: &[Role]) -> Result<(), StoreError>;
    async fn role(&mut self, id: RoleId) -> Result<Option<Role>, StoreError>;
    /// Newest first.
    async fn roles(&mut self, page: &PageRequest) -> Result<Page<Role>, StoreError>;
    /// The names of all roles. Reliable only while the tenant is locked.
    async fn role_names(&mut self) -> Result<Vec<(RoleId, RoleName)>, StoreError>;
    /// How many custom roles the tenant has.
    async fn custom_roles(&mut self) -> Result<i64, StoreError>;
    /// Stores name, permissions and version.
    async fn update_role(&mut self, role: &Role) -> Result<(), StoreError>;
    /// Conflicts with [`constraint::ROLE_IN_USE`].
    async fn delete_role(&mut self, id: RoleId) -> Result<(), StoreError>;
}

/// The roles of users, in the transaction's tenant.
#[async_trait]
pub trait MembershipRepo: Send {
    async fn insert_membership(&mut self, user: UserId, role: RoleId, now: DateTime<Utc>) -> Result<(), StoreError>;
    /// Takes a role from a user.
    async fn delete_membership(&mut self, user: UserId, role: RoleId) -> Result<(), StoreError>;
    async fn membership(&mut self, user: UserId, role: RoleId) -> Result<Option<Membership>, StoreError>;
    /// Newest first.
    async fn memberships(&mut self, user: UserId, page: &PageRequest) -> Result<Page<Membership>, StoreError>;
    /// The keys of a user's roles, in order.
    async fn role_keys(&mut self, user: UserId) -> Result<Vec<RoleKey>, StoreError>;
    /// The same for many users; users without a role are left out.
    async fn role_keys_of(&mut self, users: &[UserId]) -> Result<Vec<(UserId, RoleKey)>, StoreError>;
    /// The union of a user's permissions, whether or not the user is active.
    async fn permissions(&mut self, user: UserId) -> Result<PermissionSet, StoreError>;
    /// The union of the permissions of all users who have this role.
    async fn permissions_of_holders(&mut self, role: RoleId) -> Result<PermissionSet, StoreError>;
    /// How many active users are owners. Reliable only while the tenant is locked.
    async fn active_owners(&mut self) -> Result<i64, StoreError>;
}
