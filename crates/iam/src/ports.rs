use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel::ids::{TenantId, UserId};
use kernel::{Page, PageRequest, StoreError};

use crate::{
    AttemptCounter, Email, PasswordHash, RateLimitBucket, RateLimitKey, Tenant, TenantReference, TenantStatus,
    TenantWeight, User,
};

/// Database constraints that this domain turns into errors.
pub mod constraint {
    /// Another tenant has that slug.
    pub const TENANT_SLUG: &str = "tenants_slug_key";
    /// The tenant already has a user with that address.
    pub const USER_EMAIL: &str = "users_tenant_id_email_norm_key";
}

/// The tenant of the transaction's scope.
#[async_trait]
pub trait TenantRepo: Send {
    /// Conflicts with [`constraint::TENANT_SLUG`].
    async fn insert_tenant(&mut self, tenant: &Tenant) -> Result<(), StoreError>;
    async fn tenant(&mut self) -> Result<Option<Tenant>, StoreError>;
    /// Reads and locks the tenant: until the transaction ends, no other transaction changes the tenant or the permissions of its
    /// users. Taken before any other lock. Rows that refer to the tenant can still be inserted.
    async fn lock_tenant(&mut self) -> Result<Option<Tenant>, StoreError>;
    async fn tenant_weight(&mut self) -> Result<TenantWeight, StoreError>;
    async fn set_tenant_weight(&mut self, weight: TenantWeight) -> Result<(), StoreError>;
    /// Stores the name, the status and the self-registration setting.
    async fn update_tenant(&mut self, tenant: &Tenant) -> Result<(), StoreError>;
}

/// Users of the transaction's tenant.
#[async_trait]
pub trait UserRepo: Send {
    /// Conflicts with [`constraint::USER_EMAIL`].
    async fn insert_user(&mut self, user: &User, password: &PasswordHash) -> Result<(), StoreError>;
    async fn user_by_email(&mut self, email: &Email) -> Result<Option<(User, PasswordHash)>, StoreError>;
    async fn user(&mut self, id: UserId) -> Result<Option<User>, StoreError>;
    /// Reads and locks the user until the transaction ends.
    async fn lock_user(&mut self, id: UserId) -> Result<Option<(User, PasswordHash)>, StoreError>;
    /// Newest first.
    async fn users(&mut self, page: &PageRequest) -> Result<Page<User>, StoreError>;
    /// Stores the name and the status.
    async fn update_user(&mut self, user: &User) -> Result<(), StoreError>;
    async fn set_password(&mut self, id: UserId, password: &PasswordHash) -> Result<(), StoreError>;
    /// Deletes the user with their memberships and sessions. What they did stays, without their name.
    async fn delete_user(&mut self, id: UserId) -> Result<(), StoreError>;
}

/// All tenants, for operators and for login.
#[async_trait]
pub trait TenantDirectory: Send {
    async fn find_tenant(&mut self, reference: &TenantReference) -> Result<Option<Tenant>, StoreError>;
    /// Tenants with this status, or all; newest first.
    async fn tenants(&mut self, status: Option<TenantStatus>, page: &PageRequest) -> Result<Page<Tenant>, StoreError>;
    async fn tenant_weights(&mut self, tenants: &[TenantId]) -> Result<HashMap<TenantId, TenantWeight>, StoreError>;
}

/// Reserves and releases slots of counters without failures or blocks in one statement instead of a transaction. Almost all
/// attempts are of this kind.
#[async_trait]
pub trait RateLimitFastPath: Send + Sync {
    /// Reserves a slot in all buckets; `false` and no effect if one of the counters has failures, a block or no free slot.
    async fn try_reserve(&self, buckets: &[RateLimitBucket], now: DateTime<Utc>) -> Result<bool, StoreError>;
    /// Releases the slots of an attempt that did not fail. On `false`, some slots may not have been released: the caller releases
    /// all of them again in a transaction.
    async fn try_release(&self, buckets: &[RateLimitBucket], reserved_at: DateTime<Utc>) -> Result<bool, StoreError>;
}

/// The counters of attempts, shared by all tenants and instances.
#[async_trait]
pub trait RateLimitRepo: Send {
    /// Locks the counters of these keys until the transaction ends, and returns them in the order of the keys.
    async fn lock_attempt_counters(
        &mut self,
        keys: &[RateLimitKey],
        now: DateTime<Utc>,
    ) -> Result<Vec<AttemptCounter>, StoreError>;
    /// Stores counters that were locked before.
    async fn save_attempt_counters(
        &mut self,
        counters: &[(RateLimitBucket, AttemptCounter)],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError>;
    /// Deletes up to `limit` expired counters, and returns how many.
    async fn purge_attempt_counters(&mut self, now: DateTime<Utc>, limit: i64) -> Result<usize, StoreError>;
}
