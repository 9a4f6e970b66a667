//! `parley audit`: verifies audit logs.

use std::io::{self, Write as _};

use audit::{LogDamage, verify_log};
use config::KeysConfig;
use flows::{Database, settle};
use kernel::StoreError;

use super::arguments::audit::AuditCommand;
use super::tenant::{FindTenantError, find_tenant, operator, scope_of};

#[derive(Debug, thiserror::Error)]
pub(crate) enum AuditError {
    #[error("the audit log was tampered with")]
    Damaged,
    #[error(transparent)]
    Tenant(#[from] FindTenantError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Output(#[from] io::Error),
}

pub(super) async fn run(database: &dyn Database, keys: &KeysConfig, command: AuditCommand) -> Result<(), AuditError> {
    let AuditCommand::Verify { tenant } = command;
    let tenant = find_tenant(database, &tenant).await?;
    let mut tx = database.tenant(&scope_of(&tenant)).await?;
    let outcome = verify_log(operator().into(), &mut *tx, tenant.id, &keys.key_ring).await;
    let found = settle(tx, outcome).await?;
    let mut out = io::stdout();
    for damage in &found.damage {
        match damage {
            LogDamage::Changed { sequence, record } => writeln!(out, "changed   {sequence}  {record}")?,
            LogDamage::Removed { sequence, record } => writeln!(out, "removed   {sequence}  {record}")?,
            LogDamage::Missing { sequence } => writeln!(out, "missing   {sequence}  its seal is gone, too")?,
            LogDamage::Inserted { record } => writeln!(out, "inserted  {record}")?,
            LogDamage::UnknownKey { sequence, record, key_id } => {
                writeln!(out, "unknown   {sequence}  {record}  sealed with key {key_id:?}, which is not configured")?;
            }
        }
    }
    writeln!(out, "{} records are sealed, {} wait for their seal", found.sealed, found.unsealed)?;
    if let Some(head) = &found.head {
        writeln!(out, "the chain ends with {} {}", head.sequence, hex::encode(&head.tag.bytes))?;
    }
    if found.is_clean() { Ok(()) } else { Err(AuditError::Damaged) }
}
