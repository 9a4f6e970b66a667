//! What belongs to the deployment: operators and their keys, WhatsApp numbers, the seals of the audit logs.

mod append_record;
mod approve_account;
mod authenticate_operator;
mod provisioning_keys;
mod purge_audit_logs;
mod replace_records;
mod reseal_account_credentials;
mod reseal_meta_apps;
mod seal_audit_logs;

pub(crate) use append_record::{append_platform_record, append_tenant_record};
pub use approve_account::{ApproveAccountError, ApproveAccountTx, approve_account};
pub use authenticate_operator::{OperatorAccess, OperatorKey, authenticate_operator, record_refused_operator};
pub use provisioning_keys::{
    CreateProvisioningKeyError, ProvisioningKeyTx, create_provisioning_key, revoke_provisioning_key,
};
pub use purge_audit_logs::{AuditPurge, purge_audit_logs};
pub use replace_records::PurgeAuditTx;
pub use reseal_account_credentials::reseal_account_credentials;
pub use reseal_meta_apps::reseal_meta_apps;
pub use seal_audit_logs::{SealingFailure, SealingRun, seal_audit_logs};
