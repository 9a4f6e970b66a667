//! Configuration: flags, else `PARLEY_*` environment variables, else a TOML file, else defaults.
//!
//! The command-line arguments are the one schema, so `--help` is the reference: the argument `--http-listen` is the variable
//! `PARLEY_HTTP_LISTEN` and `listen` in `[http]` of the file. Each area has a file here with two structs: `...Settings`, the
//! text as it came, and `...Config`, checked and in types. A subcommand asks [`Settings`] for the areas it needs and gets
//! them, or every [mistake](Mistakes) at once. Values of secrets are in no `Debug` and no mistake.
//!
//! To add a setting: a field in its area, named as its flag; a secret has `hide_env_values`, which also keeps it out of
//! `parley config` and lets it come from a file.

mod amqp;
mod billing;
mod database;
mod file;
mod http;
mod key;
mod keys;
mod log;
mod mistakes;
mod passwords;
mod retention;
mod retry;
mod sessions;
mod settings;
mod show;
mod signing;
pub(crate) mod source;
mod tenants;
mod tokens;
mod traces;
mod weaknesses;
mod whatsapp;

use std::net::SocketAddr;

use ::billing::PaymentTerms;
use ::tokens::{SessionPolicy, TokenPolicy};
use iam::HashParameters;
use inbound::{AppSecrets, RetentionPolicy, RetryPolicy};

pub use amqp::AmqpConfig;
pub use database::{AdminConfig, DatabaseConfig, MigrateConfig};
pub use http::HttpConfig;
pub use keys::KeysConfig;
pub use log::{LogConfig, LogFormat};
pub use mistakes::Mistakes;
pub use settings::Settings;
pub(crate) use show::show;
pub use signing::SigningConfig;
pub use tenants::TenantsConfig;
pub use traces::TracesConfig;
pub use weaknesses::Weaknesses;
pub use whatsapp::WhatsAppConfig;

/// What `serve` needs.
#[derive(Debug)]
pub struct ServeConfig {
    pub database: DatabaseConfig,
    pub amqp: AmqpConfig,
    pub http: HttpConfig,
    pub identity: IdentityConfig,
    pub whatsapp: WhatsAppConfig,
    pub tenants: TenantsConfig,
    pub payment: PaymentTerms,
    pub retry: RetryPolicy,
    pub retention: RetentionPolicy,
    pub traces: TracesConfig,
}

/// What it takes to sign people up and in.
#[derive(Debug)]
pub struct IdentityConfig {
    pub keys: KeysConfig,
    pub tokens: TokenPolicy,
    pub signing: SigningConfig,
    pub sessions: SessionPolicy,
    pub passwords: HashParameters,
}

/// What it takes to send a signed sample to a running server.
#[derive(Clone, Debug)]
pub struct SampleConfig {
    pub secrets: AppSecrets,
    /// Where the server of this configuration listens.
    pub listen: SocketAddr,
}

#[cfg(test)]
mod tests;
