//! Audit logs, looked after by an operator.

use std::io::{self, Write as _};

use audit::{Damage, verify_log};
use flows::{Database as _, settle};
use kernel::{StoreError, TenantScope, hex};

use super::CliError;
use super::arguments::audit::AuditCommand;
use super::events::operator;
use super::whatsapp::{AccountsError, find_tenant};
use crate::config::{DatabaseConfig, KeysConfig};
use crate::wiring::postgres;

#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    #[error("the audit log is not as it was written")]
    Damaged,
    #[error(transparent)]
    Tenant(#[from] AccountsError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Output(#[from] io::Error),
}

pub(super) async fn run(database: DatabaseConfig, keys: KeysConfig, command: AuditCommand) -> Result<(), CliError> {
    let AuditCommand::Verify { tenant } = command;
    let database = postgres(&database)?;
    Ok(verify(&database, &keys, &tenant).await?)
}

async fn verify(database: &postgres::Postgres, keys: &KeysConfig, tenant: &str) -> Result<(), AuditError> {
    let tenant = find_tenant(database, tenant).await?.id;
    #[expect(clippy::disallowed_methods, reason = "an operator at the command line names the tenant")]
    let mut tx = database.tenant(&TenantScope::mint(tenant)).await?;
    let outcome = verify_log(operator().into(), &mut *tx, tenant, &keys.ring).await;
    let found = settle(tx, outcome).await?;
    let mut out = io::stdout();
    for damage in &found.damage {
        match damage {
            Damage::Changed { sequence, record } => writeln!(out, "changed   {sequence}  {record}")?,
            Damage::Removed { sequence, record } => writeln!(out, "removed   {sequence}  {record}")?,
            Damage::Missing { sequence } => writeln!(out, "missing   {sequence}  its seal is gone, too")?,
            Damage::Inserted { record } => writeln!(out, "inserted  {record}")?,
            Damage::UnknownKey { sequence, record, key_id } => {
                writeln!(out, "unknown   {sequence}  {record}  sealed with key {key_id:?}, which is not configured")?;
            }
        }
    }
    writeln!(out, "{} records are sealed, {} wait for their seal", found.sealed, found.unsealed)?;
    if let Some(head) = &found.head {
        writeln!(out, "the chain ends with {} {}", head.sequence, hex(&head.tag.bytes))?;
    }
    if found.is_clean() { Ok(()) } else { Err(AuditError::Damaged) }
}
