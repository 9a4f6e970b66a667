//! Provisioning, changing and suspending tenants.

mod change;
mod provision;
mod settings;

pub use change::{OperatorTenantPatch, change_tenant_by_operator};
pub use provision::{ProvisionError, ProvisionOutcome, ProvisionTenant, provision_tenant};
pub use settings::change_settings;
