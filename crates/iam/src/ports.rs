use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel::ids::UserId;
use kernel::{Page, PageRequest, StoreError};

use crate::{Counted, Email, PasswordHash, Tally, Tenant, TenantReference, TenantStatus, ThrottleKey, User};

/// Names of the database's constraints that mean something to this domain.
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
    /// The same, and nobody else changes it, or anybody's rights in it, until the transaction ends. Taken before any other
    /// lock. Rows that refer to the tenant can still be added.
    async fn lock_tenant(&mut self) -> Result<Option<Tenant>, StoreError>;
    /// Stores the name, the status and whether people may register themselves.
    async fn update_tenant(&mut self, tenant: &Tenant) -> Result<(), StoreError>;
}

/// Users of the transaction's tenant.
#[async_trait]
pub trait UserRepo: Send {
    /// Conflicts with [`constraint::USER_EMAIL`].
    async fn insert_user(&mut self, user: &User, password: &PasswordHash) -> Result<(), StoreError>;
    async fn user_by_email(&mut self, email: &Email) -> Result<Option<(User, PasswordHash)>, StoreError>;
    async fn user(&mut self, id: UserId) -> Result<Option<User>, StoreError>;
    /// The same with the hash, and nobody else changes them until the transaction ends.
    async fn lock_user(&mut self, id: UserId) -> Result<Option<(User, PasswordHash)>, StoreError>;
    /// Newest first.
    async fn users(&mut self, page: &PageRequest) -> Result<Page<User>, StoreError>;
    /// Stores the name and the status.
    async fn update_user(&mut self, user: &User) -> Result<(), StoreError>;
    async fn set_password(&mut self, id: UserId, password: &PasswordHash) -> Result<(), StoreError>;
    /// With what is theirs alone: memberships and sessions. What they did stays, without a name.
    async fn delete_user(&mut self, id: UserId) -> Result<(), StoreError>;
}

/// All tenants, seen from the platform's side.
#[async_trait]
pub trait TenantDirectory: Send {
    async fn find_tenant(&mut self, reference: &TenantReference) -> Result<Option<Tenant>, StoreError>;
    /// Newest first; those of a status, or all.
    async fn tenants(&mut self, status: Option<TenantStatus>, page: &PageRequest) -> Result<Page<Tenant>, StoreError>;
}

/// Tries where nobody failed before: their tallies are calm. It is what nearly all are, so they take a statement instead of a
/// transaction, however many try at the same time.
#[async_trait]
pub trait CalmTries: Send + Sync {
    /// Takes the slots, if all of the tallies are calm and have one left; whether it did.
    async fn begin_calm_try(&self, counted: &[Counted], now: DateTime<Utc>) -> Result<bool, StoreError>;
    /// Gives the slots back of a try that did not fail, if the tallies are still calm. If not, some may have been given back:
    /// the rest is to be done in a transaction, for all of them.
    async fn end_calm_try(&self, counted: &[Counted], begun_at: DateTime<Utc>) -> Result<bool, StoreError>;
}

/// How often somebody tried to get in, for all tenants and instances.
#[async_trait]
pub trait ThrottleRepo: Send {
    /// The tallies of these keys, in their order; nobody else changes them until the transaction ends.
    async fn lock_tallies(&mut self, keys: &[ThrottleKey], now: DateTime<Utc>) -> Result<Vec<Tally>, StoreError>;
    /// Stores what was locked before.
    async fn save_tallies(&mut self, tallies: &[(Counted, Tally)], now: DateTime<Utc>) -> Result<(), StoreError>;
    /// Deletes those that say nothing any more, at most so many; how many.
    async fn purge_tallies(&mut self, now: DateTime<Utc>, limit: i64) -> Result<usize, StoreError>;
}
