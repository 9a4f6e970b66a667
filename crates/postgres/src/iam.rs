//! Tenants and users.

mod rate_limit;
mod rate_limit_fast_path;
mod tenant;
mod tenant_columns;
mod user;

use iam::{SelfRegistration, Slug, TenantName, TenantStatus, UserName, UserStatus};
use kernel::StoreError;

use crate::closed_set;
pub(crate) use tenant_columns::TenantColumns;

pub(crate) fn slug(text: &str) -> Result<Slug, StoreError> {
    Slug::parse(text).map_err(|_| StoreError::corrupt("tenants.slug"))
}

pub(crate) fn tenant_name(text: &str) -> Result<TenantName, StoreError> {
    TenantName::parse(text).map_err(|_| StoreError::corrupt("tenants.name"))
}

pub(crate) fn user_name(text: &str) -> Result<UserName, StoreError> {
    UserName::parse(text).map_err(|_| StoreError::corrupt("users.name"))
}

pub(crate) fn self_registration(text: &str) -> Result<SelfRegistration, StoreError> {
    closed_set::parse(text, "tenants.self_registration")
}

pub(crate) fn tenant_status(text: &str) -> Result<TenantStatus, StoreError> {
    closed_set::parse(text, "tenants.status")
}

pub(crate) fn user_status(text: &str) -> Result<UserStatus, StoreError> {
    text.parse().map_err(|_| StoreError::corrupt("users.status"))
}
