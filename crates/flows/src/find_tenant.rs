use iam::{Tenant, TenantDirectory, TenantReference};
use kernel::StoreError;

use crate::{Identity, settle};

impl Identity {
    /// The tenant that somebody who is not logged in speaks of, and what it is called where tries are counted: its id,
    /// whichever way it was named; where there is none, the name.
    pub(crate) async fn find_tenant(
        &self,
        reference: &TenantReference,
    ) -> Result<(Option<Tenant>, String), StoreError> {
        let mut tx = self.database.directory().await?;
        let found = TenantDirectory::find_tenant(&mut *tx, reference).await;
        let tenant = settle(tx, found).await?;
        let name = match (&tenant, reference) {
            (Some(tenant), _) => tenant.id.to_string(),
            (None, TenantReference::Id(id)) => id.to_string(),
            (None, TenantReference::Slug(slug)) => slug.as_str().to_owned(),
        };
        Ok((tenant, name))
    }
}
