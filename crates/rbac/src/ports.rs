use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel::ids::{RoleId, UserId};
use kernel::{PermissionSet, StoreError};

use crate::{Role, RoleKey};

/// Roles of the transaction's tenant.
#[async_trait]
pub trait RoleRepo: Send {
    async fn insert_roles(&mut self, roles: &[Role], now: DateTime<Utc>) -> Result<(), StoreError>;
}

/// Who has which role, in the transaction's tenant.
#[async_trait]
pub trait MembershipRepo: Send {
    async fn insert_membership(&mut self, user: UserId, role: RoleId, now: DateTime<Utc>) -> Result<(), StoreError>;
    /// The keys of a user's roles, in order.
    async fn role_keys(&mut self, user: UserId) -> Result<Vec<RoleKey>, StoreError>;
    /// The same of many users; who has no role is not in it.
    async fn role_keys_of(&mut self, users: &[UserId]) -> Result<Vec<(UserId, RoleKey)>, StoreError>;
    /// All that a user's roles allow, whether or not the user is active.
    async fn permissions(&mut self, user: UserId) -> Result<PermissionSet, StoreError>;
    /// How many active users are owners. Means something only while the tenant is locked.
    async fn active_owners(&mut self) -> Result<i64, StoreError>;
}
