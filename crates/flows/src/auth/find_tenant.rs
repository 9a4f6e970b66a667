use iam::{Tenant, TenantDirectory, TenantReference};
use kernel::StoreError;

use super::log_fields::log_tenant;
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
