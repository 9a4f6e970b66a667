//! Configuration: each setting from a flag, else a `PARLEY_*` environment variable, else a TOML file, else its default.
//!
//! The command-line arguments are the only schema, so `--help` is the reference: the argument `--http-listen` is the variable
//! `PARLEY_HTTP_LISTEN` and `listen` in `[http]` of the file. Each area has a file here with two structs: `...Settings` holds
//! the text as given, `...Config` the validated values. [`source::read`] merges the sources; a subcommand asks [`Settings`]
//! for the areas that it needs and gets them, or all [`ConfigErrors`] at once. Nothing here reads the environment by itself:
//! the caller passes it in.
//!
//! Invariant: the value of a secret is in no `Debug`, no error, no warning and not in [`show`].
//!
//! To add a setting: add a field to its area's `...Settings`, named as its flag. A secret has `hide_env_values`, which also
//! masks it in `parley config` and lets it come from a file (`PARLEY_..._FILE`).

mod amqp;
mod billing;
mod database;
mod errors;
mod file;
mod http;
mod key;
mod keys;
mod limits;
mod log;
mod media;
mod passwords;
mod plaintext;
mod process_role;
mod retention;
mod retry;
mod sessions;
mod settings;
mod show;
mod signing;
pub mod source;
mod tenants;
mod tokens;
mod traces;
mod warnings;
mod whatsapp;

pub use amqp::{AmqpConfig, AmqpIdentity, AmqpTls};
pub use database::{AdminConfig, DatabaseConfig, MigrateConfig};
pub use errors::ConfigErrors;
pub use http::HttpConfig;
pub use keys::KeysConfig;
pub use limits::LimitsConfig;
pub use log::{LogConfig, LogFormat};
pub use media::MediaConfig;
pub use process_role::{ProcessRole, ProcessRoles};
pub use settings::{AuthConfig, SampleConfig, ServeConfig, Settings};
pub use show::show;
pub use signing::SigningConfig;
pub use tenants::TenantsConfig;
pub use traces::TracesConfig;
pub use warnings::ConfigWarnings;
pub use whatsapp::{GraphConfig, WhatsAppConfig};

#[cfg(test)]
mod tests;
