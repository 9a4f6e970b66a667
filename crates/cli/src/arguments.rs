pub(super) mod audit;
pub(super) mod check;
pub(super) mod events;
pub(super) mod invoices;
pub(super) mod keys;
pub(super) mod plans;
pub(super) mod provisioning_key;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use config::{ProcessRole, Settings};
use kernel::ids::AccountId;
use secrecy::SecretString;
use url::Url;

use audit::AuditCommand;
use check::CheckArgs;
use events::EventsCommand;
use invoices::InvoicesCommand;
use keys::KeysCommand;
use plans::PlansCommand;
use provisioning_key::ProvisioningKeyCommand;

/// A CRM for businesses that talk to their customers on WhatsApp
///
/// Each setting is a flag (`--http-listen`), an environment variable (`PARLEY_HTTP_LISTEN`) and an entry of a TOML file
/// (`listen` in `[http]`); the first that is there counts. A secret may also be the content of a file that a variable with
/// `_FILE` at its end names (`PARLEY_DATABASE_URL_FILE`).
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
    /// Run the server: API, relay, worker and scheduler in one process, or some of them
    Serve(ServeArgs),
    /// Bring the schema of the database up to date
    ///
    /// With `database.admin_url` the roles and the database are made first, where they are missing.
    Migrate,
    /// Look at the configuration, the database, the broker and the keys; say what is wrong and how to mend it
    ///
    /// Tells, a line each: every mistake of the configuration; what is valid but weak, such as a password that can be guessed;
    /// logins that the database refuses, roles that are missing or that row level security does not hold for, tables that lack
    /// it, pending migrations, and a server that may lose what it has committed; queues that are not as this version declares
    /// them; and secrets that the key-encryption keys do not open. Changes nothing, and may run beside a server. The exit code
    /// is 0 if there is nothing to mend, else 1.
    Check(CheckArgs),
    /// Make a demo tenant with a user and a connected WhatsApp number, unless they are there
    Demo,
    /// Print the effective configuration as TOML, with secrets masked
    Config,
    /// Ask the server that runs here whether it has all that it needs (`/readyz`); for health checks of containers
    ///
    /// Asks where `http.listen` says that it listens. Exits with 0 if it is ready, else with 1 and says what is missing.
    Healthcheck,
    /// Print the OpenAPI document of the HTTP API
    Openapi,
    /// Audit logs
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Webhook events: a tenant's, or those that belong to none
    Events {
        #[command(subcommand)]
        command: EventsCommand,
    },
    /// What tenants owe
    Invoices {
        #[command(subcommand)]
        command: InvoicesCommand,
    },
    /// The catalogue of what tenants can subscribe to
    Plans {
        #[command(subcommand)]
        command: PlansCommand,
    },
    /// The keys that sign access tokens
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Keys that operators' programs show instead of logging in
    ProvisioningKey {
        #[command(subcommand)]
        command: ProvisioningKeyCommand,
    },
    /// WhatsApp numbers and samples
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
    /// Make a number active that a tenant has claimed
    Approve {
        /// The account's id, as `list` shows it
        #[arg(value_name = "ID")]
        id: AccountId,
    },
    /// Send a running server a signed sample delivery and show the conversation it becomes
    ///
    /// Logs in through the API, signs a text message as Meta would with the configured app secret, posts it to the webhook,
    /// and waits until the message can be read in its conversation.
    SendSample(Box<SendSampleArgs>),
}

#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// Which parts this process is [default: all of them]
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
    /// The number as people write it
    #[arg(long, value_name = "NUMBER")]
    pub(super) display_phone_number: Option<String>,
    /// What the tenant calls it
    #[arg(long, value_name = "NAME")]
    pub(super) name: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct SendSampleArgs {
    /// The server [default: where `http.listen` says that it listens]
    #[arg(long, value_name = "URL")]
    pub(super) server: Option<Url>,
    /// Id or slug of the tenant
    #[arg(long, value_name = "TENANT")]
    pub(super) tenant: String,
    /// Who logs in
    #[arg(long, value_name = "ADDRESS")]
    pub(super) email: String,
    /// Their password
    #[arg(long, value_name = "PASSWORD", env = "PARLEY_SAMPLE_PASSWORD", hide_env_values = true)]
    pub(super) password: SecretString,
    /// What the customer writes
    #[arg(long, value_name = "TEXT", default_value = "Hello from a customer")]
    pub(super) text: String,
    /// The customer's phone number, digits only
    #[arg(long, value_name = "DIGITS", default_value = "15550100001", value_parser = digits)]
    pub(super) from: String,
    /// The customer's name
    #[arg(long, value_name = "NAME", default_value = "Sample Customer")]
    pub(super) name: String,
    /// Meta's id of the tenant's number [default: that of its newest active one]
    #[arg(long, value_name = "DIGITS", value_parser = digits)]
    pub(super) phone_number_id: Option<String>,
}

fn digits(text: &str) -> Result<String, &'static str> {
    let sane = (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if sane { Ok(text.to_owned()) } else { Err("must be 1 to 32 digits") }
}
