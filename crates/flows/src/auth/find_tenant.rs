use iam::{Tenant, TenantDirectory, TenantReference, User};
use kernel::StoreError;
use tracing::Span;
use tracing::field::display;

use crate::{AuthService, settle};

impl AuthService {
    /// Finds the tenant that an unauthenticated request names.
    pub(crate) async fn find_tenant(&self, reference: &TenantReference) -> Result<Option<Tenant>, StoreError> {
        let mut tx = self.database.directory().await?;
        let found = TenantDirectory::find_tenant(&mut *tx, reference).await;
        let found = settle(tx, found).await?;
        if let Some(tenant) = &found {
            log_tenant(tenant);
        }
        Ok(found)
    }
}

/// Adds the tenant to the log lines of the request, refused or not.
pub(crate) fn log_tenant(tenant: &Tenant) {
    Span::current().record("tenant_id", display(tenant.id));
}

/// Adds the tenant and the user to the log lines of the request.
pub(crate) fn log_user(tenant: &Tenant, user: &User) {
    log_tenant(tenant);
    Span::current().record("user_id", display(user.id));
}
