use kernel::{Permit, StoreError, TenantRead, TenantWrite};

use crate::{SelfRegistration, Tenant, TenantName, TenantRepo};

/// A change of a tenant's own settings; `None` keeps a value.
#[derive(Clone, Debug, Default)]
pub struct TenantPatch {
    pub name: Option<TenantName>,
    pub self_registration: Option<SelfRegistration>,
}

/// The tenant's own settings; `None` if the tenant does not exist.
///
/// # Errors
/// [`StoreError`].
pub async fn tenant(_permit: Permit<TenantRead>, repo: &mut dyn TenantRepo) -> Result<Option<Tenant>, StoreError> {
    repo.tenant().await
}

/// Changes the tenant's own settings; `None` if the tenant does not exist.
///
/// # Errors
/// [`StoreError`].
pub async fn change_tenant(
    _permit: Permit<TenantWrite>,
    repo: &mut dyn TenantRepo,
    patch: TenantPatch,
) -> Result<Option<Tenant>, StoreError> {
    let Some(mut tenant) = repo.lock_tenant().await? else { return Ok(None) };
    tenant.name = patch.name.unwrap_or(tenant.name);
    tenant.self_registration = patch.self_registration.unwrap_or(tenant.self_registration);
    repo.update_tenant(&tenant).await?;
    Ok(Some(tenant))
}
