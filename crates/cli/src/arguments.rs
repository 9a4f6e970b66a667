pub(super) mod api_key;
pub(super) mod audit;
pub(super) mod check;
pub(super) mod events;
pub(super) mod invoices;
pub(super) mod keys;
pub(super) mod media;
pub(super) mod plans;
pub(super) mod provisioning_key;
pub(super) mod whatsapp;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use config::{ProcessRole, Settings};
use kernel::ids::AccountId;
use secrecy::SecretString;
use url::Url;

use api_key::ApiKeyCommand;
use audit::AuditCommand;
use check::CheckArgs;
use events::EventsCommand;
use invoices::InvoicesCommand;
use keys::KeysCommand;
use media::MediaCommand;
use plans::PlansCommand;
use provisioning_key::ProvisioningKeyCommand;
use whatsapp::{SelectedNumbers, SetTokenArgs};

/// A CRM for businesses that talk to their customers on WhatsApp
///
/// A setting is read from its flag (`--http-listen`), else its environment variable (`PARLEY_HTTP_LISTEN`), else a TOML file
/// (`listen` in `[http]`), else its default. A secret may also be in a file of its own, named by the variable with the suffix
/// `_FILE` (`PARLEY_DATABASE_URL_FILE`).
#[derive(Debug, Parser)]
#[command(name = "parley", version, max_term_width = 120)]
pub(super) struct Cli {
    /// The configuration file, in TOML
    #[arg(long, value_name = "FILE", env = "PARLEY_CONFIG", global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    pub(super) command: Command,
    #[command(flatten)]
    pub(super) settings: Settings,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the server: API, relay, worker, sender and scheduler in one process, or some of them
    Serve(ServeArgs),
    /// Migrate the schema of the database
    ///
    /// With `database.admin_url`, missing roles and a missing database are created first.
    Migrate,
    /// Check the configuration, the database, the broker, the object store and the keys; print problems and how to fix them
    ///
    /// Prints one problem per line: errors of the configuration; weak settings, such as a password that can be guessed; logins
    /// that the database refuses, missing roles, roles that bypass row level security, tables without it, pending migrations,
    /// and a server that may lose committed data; queues that differ from their declarations; an object store that does not answer; and secrets that the
    /// key-encryption keys do not decrypt. Changes nothing, and may run while a server runs. Exits with 0 if there is no
    /// problem, else with 1.
    Check(CheckArgs),
    /// Create a demo tenant with a user and a connected WhatsApp number, unless they exist
    Demo,
    /// Print the effective configuration as TOML, with secrets masked
    Config,
    /// Check whether the server on this machine is ready (`/readyz`); for container health checks
    ///
    /// Sends the request to `http.listen`. Exits with 0 if the server is ready, else with 1 and prints what is missing.
    Healthcheck,
    /// Print the OpenAPI document of the HTTP API
    Openapi,
    /// Verify audit logs
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// List, replay and discard webhook events
    Events {
        #[command(subcommand)]
        command: EventsCommand,
    },
    /// Close billing periods
    Invoices {
        #[command(subcommand)]
        command: InvoicesCommand,
    },
    /// Manage the catalogue of plans
    Plans {
        #[command(subcommand)]
        command: PlansCommand,
    },
    /// Manage the keys that sign access tokens
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Check the object store
    Media {
        #[command(subcommand)]
        command: MediaCommand,
    },
    /// List and revoke the keys of tenants' programs
    ApiKey {
        #[command(subcommand)]
        command: ApiKeyCommand,
    },
    /// Manage the keys of operators' programs
    ProvisioningKey {
        #[command(subcommand)]
        command: ProvisioningKeyCommand,
    },
    /// Manage WhatsApp numbers and send samples
    Whatsapp {
        #[command(subcommand)]
        command: WhatsAppCommand,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum WhatsAppCommand {
    /// Connect a WhatsApp number for a tenant; it is active at once
    Add(AddArgs),
    /// List the WhatsApp numbers of all tenants
    List,
    /// Activate a number that a tenant has claimed
    Approve {
        /// The account's id, as `list` shows it
        #[arg(value_name = "ID")]
        id: AccountId,
    },
    /// Enter the access token of a number
    ///
    /// The token is read from `PARLEY_ACCESS_TOKEN`, a file, or standard input; an argument could be seen by other processes. Meta is
    /// asked first: the token must reach this number and its business account.
    SetToken(SetTokenArgs),
    /// Ask Meta about the numbers of a tenant: token, number, business account
    ///
    /// Prints what Meta says and what is wrong, and stores it. Exits with 0 if there is no problem, else with 1.
    Check(SelectedNumbers),
    /// Send a signed sample delivery to a running server and print the resulting conversation
    ///
    /// Logs in through the API, signs a text message as Meta would with the configured app secret, posts it to the webhook,
    /// and waits until the message can be read in its conversation.
    SendSample(Box<SendSampleArgs>),
}

#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// The roles of this process [default: all]
    #[arg(long, value_name = "ROLE,...", value_enum, value_delimiter = ',')]
    pub(super) roles: Vec<ProcessRole>,
}

#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// Id or slug of the tenant
    #[arg(long, value_name = "TENANT")]
    pub(super) tenant: String,
    /// Meta's id of the number
    #[arg(long, value_name = "DIGITS")]
    pub(super) phone_number_id: String,
    /// Meta's id of the WhatsApp Business Account that the number is in
    #[arg(long, value_name = "DIGITS")]
    pub(super) waba_id: String,
    /// The number as it is written, such as +1 555 010 0000
    #[arg(long, value_name = "NUMBER")]
    pub(super) display_phone_number: Option<String>,
    /// The tenant's name for it
    #[arg(long, value_name = "NAME")]
    pub(super) name: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct SendSampleArgs {
    /// The server [default: the address in `http.listen`]
    #[arg(long, value_name = "URL")]
    pub(super) server: Option<Url>,
    /// Id or slug of the tenant
    #[arg(long, value_name = "TENANT")]
    pub(super) tenant: String,
    /// Email address of the user who logs in
    #[arg(long, value_name = "ADDRESS")]
    pub(super) email: String,
    /// The user's password
    #[arg(long, value_name = "PASSWORD", env = "PARLEY_SAMPLE_PASSWORD", hide_env_values = true)]
    pub(super) password: SecretString,
    /// The text of the customer's message
    #[arg(long, value_name = "TEXT", default_value = "Hello from a customer")]
    pub(super) text: String,
    /// The customer's phone number, digits only
    #[arg(long, value_name = "DIGITS", default_value = "15550100001", value_parser = digits)]
    pub(super) from: String,
    /// The customer's name
    #[arg(long, value_name = "NAME", default_value = "Sample Customer")]
    pub(super) name: String,
    /// Meta's id of the tenant's number [default: its newest active one]
    #[arg(long, value_name = "DIGITS", value_parser = digits)]
    pub(super) phone_number_id: Option<String>,
}

fn digits(text: &str) -> Result<String, &'static str> {
    let valid = (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if valid { Ok(text.to_owned()) } else { Err("must be 1 to 32 digits") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(arguments: &[&str]) -> Option<String> {
        Cli::try_parse_from(["parley", "events"].iter().chain(arguments)).err().map(|error| error.to_string())
    }

    #[test]
    fn replay_requires_id_or_all_and_a_reason() {
        let id = "01890000-0000-7000-8000-000000000001";
        for valid in
            [&["replay", id, "--reason=x"][..], &["replay", "--all", "--dry-run"], &["replay", "--all", "--reason=x"]]
        {
            assert_eq!(refused(valid), None, "{valid:?}");
        }
        for invalid in [&["replay", "--reason=x"][..], &["replay", id, "--all", "--reason=x"], &["replay", id]] {
            assert!(refused(invalid).is_some(), "{invalid:?}");
        }
    }

    #[test]
    fn unknown_event_status_is_refused_with_the_known_ones() {
        let error = refused(&["list", "--status=lost"]).unwrap();
        assert!(error.contains("must be one of") && error.contains("dead_letter"), "{error}");
    }
}
