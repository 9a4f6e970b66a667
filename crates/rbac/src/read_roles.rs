use kernel::ids::RoleId;
use kernel::{Page, PageRequest, Permit, RolesRead, StoreError};

use crate::{Role, RoleRepo};

/// The tenant's roles, newest first.
///
/// # Errors
/// [`StoreError`].
pub async fn roles(
    _permit: Permit<RolesRead>,
    repo: &mut dyn RoleRepo,
    page: &PageRequest,
) -> Result<Page<Role>, StoreError> {
    repo.roles(page).await
}

/// One of the tenant's roles.
///
/// # Errors
/// [`StoreError`].
pub async fn role(_permit: Permit<RolesRead>, repo: &mut dyn RoleRepo, id: RoleId) -> Result<Option<Role>, StoreError> {
    repo.role(id).await
}
