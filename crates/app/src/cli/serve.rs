use super::CliError;
use super::arguments::ServeArgs;
use crate::config::ServeConfig;
use crate::wiring::{Roles, serve};

/// Runs the server until it is told to stop.
pub(super) async fn run(config: ServeConfig, arguments: ServeArgs) -> Result<(), CliError> {
    let roles = if arguments.roles.is_empty() { Roles::all() } else { arguments.roles.into_iter().collect() };
    Ok(serve(config, roles).await?)
}
