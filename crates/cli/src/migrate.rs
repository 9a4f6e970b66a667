//! `parley migrate`: migrates the schema.

use std::io::{self, Write};

use config::MigrateConfig;

use super::adapters::{Adapters, MigrationReport};
use super::error::CliError;

/// Migrates the schema and prints what changed.
pub(super) async fn run(adapters: &dyn Adapters, config: MigrateConfig) -> Result<(), CliError> {
    let report = adapters.migrate(config).await?;
    Ok(print(&mut io::stdout(), &report)?)
}

fn print(out: &mut impl Write, report: &MigrationReport) -> io::Result<()> {
    for migration in &report.migrations {
        writeln!(out, "ran migration {migration}")?;
    }
    if report.functions > 0 {
        writeln!(out, "applied {} SQL functions", report.functions)?;
    }
    if report.system_roles > 0 {
        writeln!(out, "updated {} system roles of tenants", report.system_roles)?;
    }
    if *report == MigrationReport::default() {
        writeln!(out, "the schema is up to date")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(report: &MigrationReport) -> String {
        let mut out = Vec::new();
        print(&mut out, report).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn report_lists_migrations_and_updated_roles() {
        let report =
            MigrationReport { migrations: vec!["one".to_owned(), "two".to_owned()], functions: 2, system_roles: 3 };
        assert_eq!(
            printed(&report),
            "ran migration one\nran migration two\napplied 2 SQL functions\nupdated 3 system roles of tenants\n"
        );
        assert_eq!(printed(&MigrationReport::default()), "the schema is up to date\n");
    }
}
