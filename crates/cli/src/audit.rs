//! `parley audit`: verifies audit logs.

use std::io::{self, Write};

use audit::{LogDamage, LogVerification, verify_log, verify_platform_log};
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
    // Without a tenant, the arguments name the platform.
    let AuditCommand::Verify { tenant, platform: _ } = command;
    let found = verify(database, keys, tenant.as_deref()).await?;
    let mut out = io::stdout();
    found.damage.iter().try_for_each(|damage| print(&mut out, damage))?;
    writeln!(out, "{} records are sealed, {} are not sealed yet", found.sealed, found.unsealed)?;
    if found.unsigned > 0 {
        writeln!(out, "{} of the sealed records have no MAC: they were written by an earlier version", found.unsigned)?;
    }
    if let Some(summary) = found.summarised.as_ref().map(|summary| &summary.covered) {
        writeln!(
            out,
            "{} older records, up to {}, were purged and are summarised; {} of them had been sealed as forged",
            summary.records,
            summary.last_at.format("%Y-%m-%d"),
            summary.forged
        )?;
    }
    if let Some(head) = &found.head {
        writeln!(out, "the chain ends with {} {}", head.sequence, hex::encode(&head.tag.bytes))?;
    }
    if found.is_clean() { Ok(()) } else { Err(AuditError::Damaged) }
}

async fn verify(
    database: &dyn Database,
    keys: &KeysConfig,
    tenant: Option<&str>,
) -> Result<LogVerification, AuditError> {
    let ring = &keys.key_ring;
    let found = match tenant {
        Some(tenant) => {
            let scope = scope_of(&find_tenant(database, tenant).await?);
            database.in_tenant(&scope, async |tx| verify_log(operator().into(), tx, ring).await).await?
        }
        None => database.in_operator(async |tx| verify_platform_log(operator(), tx, ring).await).await?,
    };
    Ok(found)
}

fn print(out: &mut impl Write, damage: &LogDamage) -> io::Result<()> {
    match damage {
        LogDamage::Changed { sequence, record } => writeln!(out, "changed   {sequence}  {record}"),
        LogDamage::Removed { sequence, record } => writeln!(out, "removed   {}  {record}", position(*sequence)),
        LogDamage::Missing { sequence } => writeln!(out, "missing   {sequence}  the seal was removed, too"),
        LogDamage::Inserted { record } => writeln!(out, "inserted  {record}"),
        LogDamage::Forged { sequence, record } => writeln!(out, "forged    {}  {record}", position(*sequence)),
        LogDamage::ForgedSummary { sequence } => {
            writeln!(out, "forged    {sequence}  the summary of the records that were purged")
        }
        LogDamage::UnknownSummaryKey { sequence, key_id } => {
            writeln!(
                out,
                "unknown   {sequence}  summary of purged records, made with key {key_id:?}, which is not configured"
            )
        }
        LogDamage::UnknownKey { sequence, record, key_id } => {
            let position = position(*sequence);
            writeln!(
                out,
                "unknown   {position}  {record}  sealed or signed with key {key_id:?}, which is not configured"
            )
        }
    }
}

fn position(sequence: Option<i64>) -> String {
    sequence.map_or_else(|| "unsealed".to_owned(), |sequence| sequence.to_string())
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
            (
                LogDamage::ForgedSummary { sequence: 6 },
                "forged    6  the summary of the records that were purged\n".to_owned(),
            ),
            (LogDamage::Inserted { record }, format!("inserted  {record}\n")),
            (LogDamage::Forged { sequence: Some(9), record }, format!("forged    9  {record}\n")),
            (LogDamage::Forged { sequence: None, record }, format!("forged    unsealed  {record}\n")),
        ] {
            let mut out = Vec::new();
            print(&mut out, &damage).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), line);
        }
    }
}
