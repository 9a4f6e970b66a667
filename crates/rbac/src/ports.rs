use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel::StoreError;
use kernel::ids::{RoleId, UserId};

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
}
