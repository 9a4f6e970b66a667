use std::io::{self, Write as _};

use kernel::SystemClock;
use postgres::{Admin, MigrateUrls, Migrated};

use super::CliError;
use crate::config::MigrateConfig;

/// Brings the schema up to date, and says what it did.
pub(super) async fn run(config: MigrateConfig) -> Result<(), CliError> {
    let admin = config.admin.map(|admin| Admin { url: admin.url, app: admin.app_url, platform: admin.platform_url });
    let urls = MigrateUrls { owner: config.owner_url, admin };
    let migrated = postgres::migrate(&urls, &SystemClock::new()).await?;
    say(&migrated).map_err(CliError::Output)
}

fn say(migrated: &Migrated) -> io::Result<()> {
    let mut out = io::stdout();
    for migration in &migrated.migrations {
        writeln!(out, "ran migration {migration}")?;
    }
    if migrated.system_roles > 0 {
        writeln!(out, "brought {} system roles of tenants up to date", migrated.system_roles)?;
    }
    if *migrated == Migrated::default() {
        writeln!(out, "the schema is up to date")?;
    }
    Ok(())
}
