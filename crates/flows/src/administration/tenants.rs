//! Provisioning, changing and suspending tenants.

mod change;
mod provision;
mod settings;

pub use change::{ChangeTenantTx, OperatorTenantPatch, change_tenant_by_operator};
pub use provision::{ProvisionError, ProvisionOutcome, ProvisionTenant, ProvisionTenantTx, provision_tenant};
pub use settings::{ChangeSettingsTx, change_settings};
