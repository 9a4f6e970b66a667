//! The command line, `parley <subcommand>`.
//!
//! Each subcommand has a file here and its arguments in `arguments`; [`main`] parses the command line, reads the settings
//! that the subcommand needs and runs it. A subcommand calls use cases of `flows` on a [`flows::Database`] and prints the result
//! to standard output; it knows no adapter. What it needs of one is a method of [`Adapters`], which the program implements.
//!
//! To add a subcommand: a variant of `arguments::Command`, a file with `run`, its error in `CliError`, and a line in `run`
//! below.

mod adapters;
mod api_key;
mod arguments;
mod audit;
mod check;
mod demo;
mod effective_config;
mod error;
mod events;
mod healthcheck;
mod invoices;
mod keys;
mod loopback;
mod media;
mod migrate;
mod openapi;
mod plans;
mod provisioning_key;
mod sample;
mod send_sample;
mod tenant;
mod whatsapp;
mod whatsapp_token;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use channels::AccountApi;
use clap::{CommandFactory as _, FromArgMatches as _};
use config::source::{self, Sources};
use config::{ProcessRoles, Settings};
use flows::Database;
use kernel::seal::KeyRing;
use tokens::SigningKeyFactory;
use tokio::runtime::{Builder, Runtime};

use arguments::media::MediaCommand;
use arguments::provisioning_key::ProvisioningKeyCommand;
use arguments::{Cli, Command, WhatsAppCommand};
use error::CliError;
use whatsapp_token::Deployment;

pub use adapters::{AdapterError, Adapters, MigrationReport};

/// Parses the command line and runs the subcommand. Exit codes: 0 success, 1 failure, 2 invalid command line.
#[must_use]
pub fn main(adapters: &dyn Adapters) -> ExitCode {
    match parse(std::env::args_os().collect()) {
        Ok((cli, sources)) => match run(cli, &sources, adapters) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                // If standard error is closed, the exit code remains.
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
    cli.settings.file_errors = sources.errors.clone();
    Ok((cli, sources))
}

fn run(cli: Cli, sources: &Sources, adapters: &dyn Adapters) -> Result<(), CliError> {
    let Cli { command, settings, .. } = cli;
    match command {
        Command::Openapi => Ok(openapi::run()?),
        Command::Config => effective_config::run(sources),
        Command::Check(arguments) => Ok(runtime()?.block_on(check::run(&settings, adapters, arguments.allow_weak))?),
        Command::ProvisioningKey { command: ProvisioningKeyCommand::Bootstrap } => Ok(provisioning_key::bootstrap()?),
        command => {
            adapters.init_logs(&settings.log()?)?;
            runtime()?.block_on(run_async(command, &settings, adapters))
        }
    }
}

/// Runs a subcommand that needs logs and a runtime.
async fn run_async(command: Command, settings: &Settings, adapters: &dyn Adapters) -> Result<(), CliError> {
    match command {
        Command::Openapi | Command::Config | Command::Check(_) => {}
        Command::Serve(arguments) => {
            let roles = arguments.roles;
            let roles = if roles.is_empty() { ProcessRoles::all() } else { roles.into_iter().collect() };
            adapters.serve(settings.serve()?, roles).await?;
        }
        Command::Healthcheck => healthcheck::run(settings.listen()?).await?,
        Command::Migrate => migrate::run(adapters, settings.migrate()?).await?,
        Command::Demo => {
            let (database, auth) = (connect(settings, adapters)?, settings.auth()?);
            demo::run(adapters, database, auth).await?;
        }
        Command::Audit { command } => {
            audit::run(&*connect(settings, adapters)?, &settings.keys()?, command).await?;
        }
        Command::Events { command } => events::run(&*connect(settings, adapters)?, command).await?,
        Command::Invoices { command } => {
            invoices::run(&*connect(settings, adapters)?, settings.payment()?, command).await?;
        }
        Command::Plans { command } => plans::run(&*connect(settings, adapters)?, command).await?,
        Command::Keys { command } => {
            let (keys, signing) = settings.signing_keys()?;
            let algorithm = adapters.signature_algorithm();
            let factory = SigningKeyFactory { algorithm: &*algorithm, key_ring: &keys.key_ring };
            keys::run(&*connect(settings, adapters)?, factory, &signing.rotation, command).await?;
        }
        Command::ApiKey { command } => api_key::run(&*connect(settings, adapters)?, command).await?,
        Command::ProvisioningKey { command } => {
            provisioning_key::run(&*connect(settings, adapters)?, command).await?;
        }
        Command::Media { command: MediaCommand::Check } => {
            let store = adapters.object_store(&settings.media()?)?;
            media::check(&*connect(settings, adapters)?, &*store).await?;
        }
        Command::Whatsapp { command } => match command {
            WhatsAppCommand::Add(arguments) => whatsapp::add(&*connect(settings, adapters)?, arguments).await?,
            WhatsAppCommand::List => whatsapp::list(&*connect(settings, adapters)?).await?,
            WhatsAppCommand::Approve { id } => whatsapp::approve(&*connect(settings, adapters)?, id).await?,
            WhatsAppCommand::SetToken(arguments) => {
                let (database, ring, api) = connect_with_meta(settings, adapters)?;
                let deployment = Deployment { database: &*database, api: &*api, ring: &ring };
                whatsapp_token::set_token(deployment, arguments, std::env::var_os("PARLEY_ACCESS_TOKEN")).await?;
            }
            WhatsAppCommand::Check(selected) => {
                let (database, ring, api) = connect_with_meta(settings, adapters)?;
                let deployment = Deployment { database: &*database, api: &*api, ring: &ring };
                whatsapp_token::check(deployment, selected).await?;
            }
            WhatsAppCommand::SendSample(arguments) => send_sample::run(settings.sample()?, &arguments).await?,
        },
    }
    Ok(())
}

fn connect(settings: &Settings, adapters: &dyn Adapters) -> Result<Arc<dyn Database>, CliError> {
    let (database, keys) = settings.database_and_keys()?;
    Ok(adapters.database(&database, &keys)?)
}

type WithMeta = (Arc<dyn Database>, Arc<KeyRing>, Arc<dyn AccountApi>);

fn connect_with_meta(settings: &Settings, adapters: &dyn Adapters) -> Result<WithMeta, CliError> {
    let database = connect(settings, adapters)?;
    Ok((database, settings.keys()?.key_ring, adapters.account_api(&settings.graph()?)?))
}

/// Multi-threaded: migrations and the server require it.
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
    fn command_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn setting_is_accepted_before_and_after_the_subcommand() {
        for arguments in [&["--http-listen=127.0.0.1:1", "config"][..], &["config", "--http-listen=127.0.0.1:1"]] {
            let cli = parsed(&[arguments, &["--whatsapp-app-secret=s"]].concat()).unwrap();
            assert_eq!(cli.settings.sample().unwrap().listen.port(), 1);
        }
    }

    #[test]
    fn help_lists_flags_variables_and_defaults() {
        let help = parsed(&["config", "--help"]).unwrap_err().to_string();
        for part in ["--database-url", "PARLEY_DATABASE_URL", "PARLEY_HTTP_LISTEN", "127.0.0.1:8080", "--config"] {
            assert!(help.contains(part), "{part} is not in {help}");
        }
    }
}
