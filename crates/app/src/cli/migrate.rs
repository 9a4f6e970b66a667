use std::io::{self, Write as _};

use postgres::{Admin, MigrateUrls};

use super::CliError;
use crate::config::MigrateConfig;

/// Brings the schema up to date, and says what it did.
pub(super) async fn run(config: MigrateConfig) -> Result<(), CliError> {
    let admin = config.admin.map(|admin| Admin { url: admin.url, app: admin.app_url, platform: admin.platform_url });
    let ran = postgres::migrate(&MigrateUrls { owner: config.owner_url, admin }).await?;
    let mut out = io::stdout();
    let said = if ran.is_empty() {
        writeln!(out, "the schema is up to date")
    } else {
        ran.iter().try_for_each(|migration| writeln!(out, "ran migration {migration}"))
    };
    said.map_err(CliError::Output)
}
