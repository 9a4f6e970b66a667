//! What belongs to the deployment: operators and their keys, WhatsApp numbers, the seals of the audit logs.

mod approve_account;
mod audited;
mod authenticate_operator;
mod connect_account;
mod provisioning_keys;
mod reseal_meta_apps;
mod seal_audit_logs;

pub use approve_account::{ApproveAccountError, ApproveAccountTx, approve_account};
pub use audited::audited;
pub(crate) use audited::{append_platform_record, append_tenant_record};
pub use authenticate_operator::{OperatorAccess, authenticate_operator, record_refused_operator};
pub use connect_account::{ConnectAccountError, add_account, connect_account};
pub use provisioning_keys::{
    CreateProvisioningKeyError, ProvisioningKeyTx, create_provisioning_key, revoke_provisioning_key,
};
pub use reseal_meta_apps::reseal_meta_apps;
pub use seal_audit_logs::seal_audit_logs;
