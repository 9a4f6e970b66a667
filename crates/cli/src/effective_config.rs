//! `parley config`.

use std::io::{self, Write as _};

use config::show;
use config::source::Sources;

use super::error::CliError;

/// Prints the effective configuration. Errors of the files are errors here; values are validated by the subcommands that use
/// them.
pub(super) fn run(sources: &Sources) -> Result<(), CliError> {
    io::stdout().write_all(show(sources).as_bytes())?;
    if sources.errors.is_empty() { Ok(()) } else { Err(sources.errors.clone().into()) }
}
