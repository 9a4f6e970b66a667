//! The command line: `parley <subcommand>`. Each subcommand that does something has a file here.

mod arguments;
mod audit;
mod check;
mod demo;
mod effective_config;
mod events;
mod healthcheck;
mod invoices;
mod keys;
mod migrate;
mod openapi;
mod plans;
mod provisioning_key;
mod reachable;
mod sample;
mod send_sample;
mod serve;
mod whatsapp;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};
use postgres::{ConnectError, MigrateError};
use tokio::runtime::{Builder, Runtime};

use crate::config::source::{self, Sources};
use crate::config::{Mistakes, Settings};
use crate::telemetry::{self, LogsError};
use crate::wiring::ServeError;

use arguments::provisioning_key::ProvisioningKeyCommand;
use arguments::{Cli, Command, WhatsAppCommand};

/// Why a subcommand failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    #[error(transparent)]
    Config(#[from] Mistakes),
    #[error(transparent)]
    Logs(#[from] LogsError),
    #[error("the runtime cannot start: {0}")]
    Runtime(#[source] io::Error),
    #[error("the answer cannot be written: {0}")]
    Output(#[source] io::Error),
    #[error(transparent)]
    Serve(#[from] ServeError),
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    #[error(transparent)]
    Check(#[from] check::CheckError),
    #[error(transparent)]
    Demo(#[from] demo::DemoError),
    #[error(transparent)]
    Audit(#[from] audit::AuditError),
    #[error(transparent)]
    Events(#[from] events::EventsError),
    #[error(transparent)]
    Invoices(#[from] invoices::InvoicesError),
    #[error(transparent)]
    Plans(#[from] plans::PlansError),
    #[error(transparent)]
    Keys(#[from] keys::KeysError),
    #[error(transparent)]
    ProvisioningKey(#[from] provisioning_key::ProvisioningKeyError),
    #[error(transparent)]
    Accounts(#[from] whatsapp::AccountsError),
    #[error(transparent)]
    Sample(#[from] send_sample::SampleError),
    #[error(transparent)]
    Health(#[from] healthcheck::HealthError),
}

/// Reads the command line and does what it says. Exit codes: 0 done, 1 failed, 2 not understood.
#[must_use]
pub fn main() -> ExitCode {
    let _armed = pipeline::failpoint::arm();
    match parse(std::env::args_os().collect()) {
        Ok((cli, sources)) => match run(cli, &sources) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                // Where nothing can be written, the exit code says it alone.
                let _ = writeln!(io::stderr(), "error: {error}");
                ExitCode::FAILURE
            }
        },
        Err(error) => {
            let _ = error.print();
            u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
        }
    }
}

fn parse(arguments: Vec<OsString>) -> Result<(Cli, Sources), clap::Error> {
    let sources = source::read(Cli::command(), arguments, |name| std::env::var_os(name))?;
    let mut cli = Cli::from_arg_matches(&sources.matches)?;
    cli.settings.mistakes = sources.mistakes.clone();
    Ok((cli, sources))
}

fn run(cli: Cli, sources: &Sources) -> Result<(), CliError> {
    let Cli { command, settings, .. } = cli;
    match command {
        Command::Openapi => openapi::run().map_err(CliError::Output),
        Command::Config => effective_config::run(sources),
        Command::Check(arguments) => runtime()?.block_on(check::run(&settings, arguments.allow_weak)),
        Command::Serve(arguments) => on_runtime(&settings, async { serve::run(settings.serve()?, arguments).await }),
        Command::Healthcheck => on_runtime(&settings, async { healthcheck::run(settings.listen()?).await }),
        Command::Migrate => on_runtime(&settings, async { migrate::run(settings.migrate()?).await }),
        Command::Demo => on_runtime(&settings, async { demo::run(settings.database()?, settings.identity()?).await }),
        Command::Audit { command } => {
            on_runtime(&settings, async { audit::run(settings.database()?, settings.keys()?, command).await })
        }
        Command::Events { command } => {
            on_runtime(&settings, async { events::run(settings.database()?, command).await })
        }
        Command::ProvisioningKey { command: ProvisioningKeyCommand::Bootstrap } => Ok(provisioning_key::bootstrap()?),
        Command::Invoices { command } => {
            on_runtime(&settings, async { invoices::run(settings.database()?, settings.payment()?, command).await })
        }
        Command::Plans { command } => on_runtime(&settings, async { plans::run(settings.database()?, command).await }),
        Command::Keys { command } => on_runtime(&settings, async {
            let (keys, signing) = settings.signing_keys()?;
            keys::run(settings.database()?, keys, signing, command).await
        }),
        Command::ProvisioningKey { command } => {
            on_runtime(&settings, async { provisioning_key::run(settings.database()?, command).await })
        }
        Command::Whatsapp { command } => on_runtime(&settings, on_whatsapp(&settings, command)),
    }
}

async fn on_whatsapp(settings: &Settings, command: WhatsAppCommand) -> Result<(), CliError> {
    match command {
        WhatsAppCommand::Add(arguments) => whatsapp::add(settings.database()?, arguments).await,
        WhatsAppCommand::List => whatsapp::list(settings.database()?).await,
        WhatsAppCommand::Approve { id } => whatsapp::approve(settings.database()?, id).await,
        WhatsAppCommand::SendSample(arguments) => send_sample::run(settings.sample()?, &arguments).await,
    }
}

/// Runs what needs logs and a runtime.
fn on_runtime(settings: &Settings, work: impl Future<Output = Result<(), CliError>>) -> Result<(), CliError> {
    telemetry::init_logs(&settings.log()?)?;
    runtime()?.block_on(work)
}

/// One with several threads, which migrations and the server demand.
fn runtime() -> Result<Runtime, CliError> {
    Builder::new_multi_thread().enable_all().build().map_err(CliError::Runtime)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Cli, clap::Error> {
        let arguments = ["parley"].iter().chain(arguments).map(OsString::from).collect();
        parse(arguments).map(|(cli, _)| cli)
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn settings_go_with_every_subcommand() {
        for arguments in [&["--http-listen=127.0.0.1:1", "config"][..], &["config", "--http-listen=127.0.0.1:1"]] {
            let cli = parsed(&[arguments, &["--whatsapp-app-secret=s"]].concat()).unwrap();
            assert_eq!(cli.settings.sample().unwrap().listen.port(), 1);
        }
    }

    #[test]
    fn help_is_the_reference_of_the_configuration() {
        let help = parsed(&["config", "--help"]).unwrap_err().to_string();
        for part in ["--database-url", "PARLEY_DATABASE_URL", "PARLEY_HTTP_LISTEN", "127.0.0.1:8080", "--config"] {
            assert!(help.contains(part), "{part} is not in {help}");
        }
    }
}
