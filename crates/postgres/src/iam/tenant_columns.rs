use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Text, Timestamptz};
use iam::Tenant;
use kernel::StoreError;
use kernel::ids::TenantId;

use super::{self_registration, slug, tenant_name, tenant_status};

/// What SQL functions that read who asks say of the tenant.
#[derive(QueryableByName)]
pub(crate) struct TenantColumns {
    #[diesel(sql_type = Text)]
    tenant_slug: String,
    #[diesel(sql_type = Text)]
    tenant_name: String,
    #[diesel(sql_type = Text)]
    tenant_status: String,
    #[diesel(sql_type = Text)]
    self_registration: String,
    #[diesel(sql_type = Timestamptz)]
    tenant_created_at: DateTime<Utc>,
}

impl TenantColumns {
    pub(crate) fn into_tenant(self, id: TenantId) -> Result<Tenant, StoreError> {
        Ok(Tenant {
            id,
            slug: slug(&self.tenant_slug)?,
            name: tenant_name(&self.tenant_name)?,
            status: tenant_status(&self.tenant_status)?,
            self_registration: self_registration(&self.self_registration)?,
            created_at: self.tenant_created_at,
        })
    }
}
