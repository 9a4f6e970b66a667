//! What operators do with tenants, and tenants with themselves.

mod change;
mod provision;
mod settings;

pub use change::{OperatorTenantPatch, change_tenant_by_operator};
pub use provision::{ProvisionError, ProvisionTenant, Provisioned, provision_tenant};
pub use settings::change_settings;
