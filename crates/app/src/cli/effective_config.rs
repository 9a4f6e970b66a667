use std::io::{self, Write as _};

use super::CliError;
use crate::config::show;
use crate::config::source::Sources;

/// Prints the effective configuration. What is wrong with the files it comes from is an error; values are checked by the
/// subcommands that need them.
pub(super) fn run(sources: &Sources) -> Result<(), CliError> {
    io::stdout().write_all(show(sources).as_bytes()).map_err(CliError::Output)?;
    if sources.mistakes.is_empty() { Ok(()) } else { Err(sources.mistakes.clone().into()) }
}
