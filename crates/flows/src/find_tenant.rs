use iam::{Tenant, TenantDirectory, TenantReference, User};
use kernel::StoreError;
use tracing::Span;
use tracing::field::display;

use crate::{Identity, settle};

impl Identity {
    /// The tenant that somebody who is not logged in speaks of.
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

/// The lines of the log from here on say whose tenant the request is about, also where it is refused.
pub(crate) fn log_tenant(tenant: &Tenant) {
    Span::current().record("tenant_id", display(tenant.id));
}

/// The same, and who it turned out to be.
pub(crate) fn log_user(tenant: &Tenant, user: &User) {
    log_tenant(tenant);
    Span::current().record("user_id", display(user.id));
}
