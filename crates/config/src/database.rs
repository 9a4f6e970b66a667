use std::num::NonZeroUsize;

use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::errors::{ConfigErrors, non_empty};
use super::key::Key;
use super::plaintext;
use super::warnings::ConfigWarnings;

/// How to connect to Postgres, as text.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Database")]
#[group(skip)]
#[expect(clippy::struct_field_names, reason = "a field is named as its flag, variable and entry in the file are")]
pub(super) struct DatabaseSettings {
    /// Postgres, as the role `parley_app`, which is limited to one tenant per transaction:
    /// `postgres://parley_app:...@host/parley?sslmode=verify-full&sslrootcert=/path/ca.pem`; without `sslmode` it is not encrypted
    #[arg(long, value_name = "URL", hide_env_values = true)]
    database_url: Option<SecretString>,
    /// The same database, as the role `parley_platform`, for data that belongs to no single tenant
    #[arg(long, value_name = "URL", hide_env_values = true)]
    database_platform_url: Option<SecretString>,
    /// The same database, as the role `parley_owner`, which owns the schema; only `migrate` uses it
    #[arg(long, value_name = "URL", hide_env_values = true)]
    database_owner_url: Option<SecretString>,
    /// The same server, as a superuser; with it `migrate` creates the roles and the database first
    #[arg(long, value_name = "URL", hide_env_values = true)]
    database_admin_url: Option<SecretString>,
    /// Maximum connections of a process for tenants' data
    #[arg(long, value_name = "N", default_value = "16")]
    database_tenant_connections: String,
    /// Maximum connections of a process for logins, signing keys and operators
    #[arg(long, value_name = "N", default_value = "4")]
    database_platform_connections: String,
    /// Maximum connections of a process for storing and relaying webhook deliveries
    #[arg(long, value_name = "N", default_value = "4")]
    database_intake_connections: String,
}

/// How to connect to Postgres at run time.
#[derive(Clone, Debug)]
pub struct DatabaseConfig {
    pub url: SecretString,
    pub platform_url: SecretString,
    pub tenant_connections: usize,
    pub platform_connections: usize,
    pub intake_connections: usize,
}

/// How to migrate the schema.
#[derive(Clone, Debug)]
pub struct MigrateConfig {
    pub owner_url: SecretString,
    pub admin: Option<AdminConfig>,
}

/// How to create the roles and the database.
#[derive(Clone, Debug)]
pub struct AdminConfig {
    pub url: SecretString,
    /// The passwords of these two URLs become those of the roles.
    pub app_url: SecretString,
    pub platform_url: SecretString,
}

const URL: Key<'_> = Key("database_url");
const PLATFORM_URL: Key<'_> = Key("database_platform_url");
const OWNER_URL: Key<'_> = Key("database_owner_url");
const ADMIN_URL: Key<'_> = Key("database_admin_url");

impl DatabaseSettings {
    pub(super) fn check(&self, errors: &mut ConfigErrors) -> Option<DatabaseConfig> {
        let app_url = url(errors, URL, self.database_url.as_ref());
        let platform_url = url(errors, PLATFORM_URL, self.database_platform_url.as_ref());
        let mut connections = |key, text: &str| {
            let number = errors.parse::<NonZeroUsize>(Key(key), text, "a number of connections, at least 1");
            number.map(NonZeroUsize::get)
        };
        let tenant = connections("database_tenant_connections", &self.database_tenant_connections);
        let platform = connections("database_platform_connections", &self.database_platform_connections);
        let intake = connections("database_intake_connections", &self.database_intake_connections);
        Some(DatabaseConfig {
            url: app_url?,
            platform_url: platform_url?,
            tenant_connections: tenant?,
            platform_connections: platform?,
            intake_connections: intake?,
        })
    }

    pub(super) fn check_for_migrate(&self, errors: &mut ConfigErrors) -> Option<MigrateConfig> {
        let owner_url = url(errors, OWNER_URL, self.database_owner_url.as_ref());
        let admin = match non_empty(self.database_admin_url.as_ref()) {
            None => Some(None),
            Some(_) => self.check_admin(errors).map(Some),
        };
        Some(MigrateConfig { owner_url: owner_url?, admin: admin? })
    }

    pub(super) fn warnings(&self, warnings: &mut ConfigWarnings) {
        let urls = [
            (URL, &self.database_url),
            (PLATFORM_URL, &self.database_platform_url),
            (OWNER_URL, &self.database_owner_url),
            (ADMIN_URL, &self.database_admin_url),
        ];
        for (key, url) in urls {
            warnings.password(key, url.as_ref());
            let url = url.as_ref().and_then(|url| Url::parse(url.expose_secret()).ok());
            if let Some(host) = url.as_ref().and_then(plaintext::postgres_host) {
                let remedy = "add sslmode=verify-full and sslrootcert to its parameters";
                warnings.add(key, format_args!("is not encrypted, and {host} is another machine ({remedy})"));
            }
        }
    }

    fn check_admin(&self, errors: &mut ConfigErrors) -> Option<AdminConfig> {
        let admin = url(errors, ADMIN_URL, self.database_admin_url.as_ref());
        let app = url(errors, URL, self.database_url.as_ref());
        let platform = url(errors, PLATFORM_URL, self.database_platform_url.as_ref());
        Some(AdminConfig { url: admin?, app_url: app?, platform_url: platform? })
    }
}

fn url(errors: &mut ConfigErrors, key: Key<'_>, value: Option<&SecretString>) -> Option<SecretString> {
    let value = errors.require(key, value)?;
    let is_postgres = |url: &Url| matches!(url.scheme(), "postgres" | "postgresql") && url.has_host();
    if Url::parse(value.expose_secret()).as_ref().is_ok_and(is_postgres) {
        return Some(value.clone());
    }
    errors.invalid_secret(key, "must be a URL such as postgres://user:password@host:5432/database");
    None
}
