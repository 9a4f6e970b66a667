use async_trait::async_trait;
use kernel::StoreError;

use crate::{Email, PasswordHash, Tenant, TenantReference, User};

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
}

/// Users of the transaction's tenant.
#[async_trait]
pub trait UserRepo: Send {
    /// Conflicts with [`constraint::USER_EMAIL`].
    async fn insert_user(&mut self, user: &User, password: &PasswordHash) -> Result<(), StoreError>;
    async fn user_by_email(&mut self, email: &Email) -> Result<Option<(User, PasswordHash)>, StoreError>;
}

/// All tenants, seen from the platform's side: only what it takes to find one.
#[async_trait]
pub trait TenantDirectory: Send {
    async fn find_tenant(&mut self, reference: &TenantReference) -> Result<Option<Tenant>, StoreError>;
}
