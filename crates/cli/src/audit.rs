//! `parley audit`: verifies audit logs.

use std::io::{self, Write};

use audit::{LogDamage, verify_log};
use config::KeysConfig;
use flows::Database;
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
    let scope = scope_of(&tenant);
    let verification =
        database.in_tenant(&scope, async |tx| verify_log(operator().into(), tx, tenant.id, &keys.key_ring).await);
    let found = verification.await?;
    let mut out = io::stdout();
    found.damage.iter().try_for_each(|damage| print(&mut out, damage))?;
    writeln!(out, "{} records are sealed, {} are not sealed yet", found.sealed, found.unsealed)?;
    if let Some(head) = &found.head {
        writeln!(out, "the chain ends with {} {}", head.sequence, hex::encode(&head.tag.bytes))?;
    }
    if found.is_clean() { Ok(()) } else { Err(AuditError::Damaged) }
}

fn print(out: &mut impl Write, damage: &LogDamage) -> io::Result<()> {
    match damage {
        LogDamage::Changed { sequence, record } => writeln!(out, "changed   {sequence}  {record}"),
        LogDamage::Removed { sequence, record } => writeln!(out, "removed   {sequence}  {record}"),
        LogDamage::Missing { sequence } => writeln!(out, "missing   {sequence}  the seal was removed, too"),
        LogDamage::Inserted { record } => writeln!(out, "inserted  {record}"),
        LogDamage::UnknownKey { sequence, record, key_id } => {
            writeln!(out, "unknown   {sequence}  {record}  sealed with key {key_id:?}, which is not configured")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_damage_is_one_line_with_its_position() {
        let record = "01890000-0000-7000-8000-000000000001".parse().unwrap();
        for (damage, line) in [
            (LogDamage::Changed { sequence: 7, record }, format!("changed   7  {record}\n")),
            (LogDamage::Missing { sequence: 8 }, "missing   8  the seal was removed, too\n".to_owned()),
            (LogDamage::Inserted { record }, format!("inserted  {record}\n")),
        ] {
            let mut out = Vec::new();
            print(&mut out, &damage).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), line);
        }
    }
}
