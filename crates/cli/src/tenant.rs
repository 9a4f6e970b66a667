use flows::Database;
use iam::{Tenant, TenantDirectory, TenantReference};
use kernel::{Operator, StoreError, TenantScope};

#[derive(Debug, thiserror::Error)]
pub(crate) enum FindTenantError {
    #[error("there is no tenant {0}")]
    NoSuchTenant(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The tenant with that id or slug.
pub(super) async fn find_tenant(database: &dyn Database, reference: &str) -> Result<Tenant, FindTenantError> {
    let unknown = || FindTenantError::NoSuchTenant(reference.to_owned());
    let reference: TenantReference = reference.parse().map_err(|_| unknown())?;
    let found = database.in_directory(async |tx| TenantDirectory::find_tenant(tx, &reference).await).await?;
    found.ok_or_else(unknown)
}

/// The scope of that tenant.
#[expect(clippy::disallowed_methods, reason = "an operator at the command line names the tenant")]
pub(super) fn scope_of(tenant: &Tenant) -> TenantScope {
    TenantScope::mint(tenant.id)
}

#[expect(clippy::disallowed_methods, reason = "this is the command line")]
pub(super) const fn operator() -> Operator {
    Operator::from_command_line()
}
