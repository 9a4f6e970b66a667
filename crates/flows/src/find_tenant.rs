use iam::{Tenant, TenantDirectory, TenantReference};
use kernel::StoreError;

use crate::{Identity, settle};

impl Identity {
    /// The tenant that somebody who is not logged in speaks of.
    pub(crate) async fn find_tenant(&self, reference: &TenantReference) -> Result<Option<Tenant>, StoreError> {
        let mut tx = self.database.directory().await?;
        let found = TenantDirectory::find_tenant(&mut *tx, reference).await;
        settle(tx, found).await
    }
}
