use std::net::SocketAddr;

use billing::PaymentTerms;
use clap::Args;
use iam::HashParameters;
use inbound::{RetentionPolicy, RetryPolicy};
use kernel::Retention;
use tokens::{SessionPolicy, TokenPolicy};

use super::amqp::{AmqpConfig, AmqpSettings};
use super::billing::BillingSettings;
use super::database::{DatabaseConfig, DatabaseSettings, MigrateConfig};
use super::errors::ConfigErrors;
use super::http::{HttpConfig, HttpSettings};
use super::keys::{KeysConfig, KeysSettings};
use super::limits::{LimitsConfig, LimitsSettings};
use super::log::{LogConfig, LogSettings};
use super::media::{MediaConfig, MediaSettings};
use super::passwords::PasswordsSettings;
use super::retention::RetentionSettings;
use super::retry::RetrySettings;
use super::sessions::SessionsSettings;
use super::signing::{SigningConfig, SigningSettings};
use super::tenants::{TenantsConfig, TenantsSettings};
use super::tokens::TokensSettings;
use super::traces::{TracesConfig, TracesSettings};
use super::warnings::ConfigWarnings;
use super::whatsapp::{GraphConfig, WhatsAppConfig, WhatsAppSettings};
use whatsapp::AppSecrets;

/// Everything that `serve` needs.
#[derive(Debug)]
pub struct ServeConfig {
    pub database: DatabaseConfig,
    pub amqp: AmqpConfig,
    pub http: HttpConfig,
    pub limits: LimitsConfig,
    pub auth: AuthConfig,
    pub whatsapp: WhatsAppConfig,
    pub media: MediaConfig,
    pub tenants: TenantsConfig,
    pub payment: PaymentTerms,
    pub retry: RetryPolicy,
    pub tenants_mark_paid: bool,
    pub event_retention: RetentionPolicy,
    pub retention: Retention,
    pub traces: TracesConfig,
}

/// How users are authenticated: keys, tokens, sessions and password hashes.
#[derive(Debug)]
pub struct AuthConfig {
    pub keys: KeysConfig,
    pub tokens: TokenPolicy,
    pub signing: SigningConfig,
    pub sessions: SessionPolicy,
    pub passwords: HashParameters,
}

/// What sending a signed sample to a running server needs.
#[derive(Clone, Debug)]
pub struct SampleConfig {
    pub secrets: AppSecrets,
    /// The address on which the server of this configuration listens.
    pub listen: SocketAddr,
}

/// All settings as text. A subcommand validates only the areas that it needs.
#[derive(Clone, Debug, Args)]
#[group(skip)]
pub struct Settings {
    #[command(flatten)]
    database: DatabaseSettings,
    #[command(flatten)]
    amqp: AmqpSettings,
    #[command(flatten)]
    http: HttpSettings,
    #[command(flatten)]
    limits: LimitsSettings,
    #[command(flatten)]
    keys: KeysSettings,
    #[command(flatten)]
    tokens: TokensSettings,
    #[command(flatten)]
    signing: SigningSettings,
    #[command(flatten)]
    sessions: SessionsSettings,
    #[command(flatten)]
    passwords: PasswordsSettings,
    #[command(flatten)]
    whatsapp: WhatsAppSettings,
    #[command(flatten)]
    media: MediaSettings,
    #[command(flatten)]
    tenants: TenantsSettings,
    #[command(flatten)]
    billing: BillingSettings,
    #[command(flatten)]
    retry: RetrySettings,
    #[command(flatten)]
    retention: RetentionSettings,
    #[command(flatten)]
    log: LogSettings,
    #[command(flatten)]
    traces: TracesSettings,
    /// Errors of the files that the values come from; reported with those of the values.
    #[arg(skip)]
    pub file_errors: ConfigErrors,
}

impl Settings {
    /// What is logged and how.
    ///
    /// # Errors
    /// All [`ConfigErrors`].
    pub fn log(&self) -> Result<LogConfig, ConfigErrors> {
        self.check(|errors| self.log.check(errors))
    }

    /// Everything that `serve` needs.
    ///
    /// # Errors
    /// All [`ConfigErrors`].
    pub fn serve(&self) -> Result<ServeConfig, ConfigErrors> {
        self.check(|errors| {
            let database = self.database.check(errors);
            let amqp = self.amqp.check(errors);
            let http = self.http.check(errors);
            let limits = self.limits.check(errors);
            let auth = self.check_auth(errors);
            let whatsapp = self.whatsapp.check(errors);
            let media = self.media.check(errors);
            let tenants = self.tenants.check(errors);
            let payment = self.billing.check(errors);
            let tenants_mark_paid = self.billing.tenants_mark_paid(errors);
            let retry = self.retry.check(errors);
            let event_retention = self.retention.check_events(errors);
            let retention = self.retention.check_rows(errors);
            let traces = self.traces.check(errors);
            Some(ServeConfig {
                database: database?,
                amqp: amqp?,
                http: http?,
                limits: limits?,
                auth: auth?,
                whatsapp: whatsapp?,
                media: media?,
                tenants: tenants?,
                payment: payment?,
                tenants_mark_paid: tenants_mark_paid?,
                retry: retry?,
                event_retention: event_retention?,
                retention: retention?,
                traces: traces?,
            })
        })
    }

    /// The object store.
    ///
    /// # Errors
    /// All [`ConfigErrors`].
    pub fn media(&self) -> Result<MediaConfig, ConfigErrors> {
        self.check(|errors| self.media.check(errors))
    }

    /// How to connect to the broker.
    ///
    /// # Errors
    /// All [`ConfigErrors`].
    pub fn amqp(&self) -> Result<AmqpConfig, ConfigErrors> {
        self.check(|errors| self.amqp.check(errors))
    }

    /// Settings that are valid but insecure.
    #[must_use]
    pub fn warnings(&self) -> ConfigWarnings {
        let mut warnings = ConfigWarnings::default();
        self.database.warnings(&mut warnings);
        self.amqp.warnings(&mut warnings);
        self.keys.warnings(&mut warnings);
        self.passwords.warnings(&mut warnings);
        self.whatsapp.warnings(&mut warnings);
        self.tenants.warnings(&mut warnings);
        self.log.warnings(&mut warnings);
        warnings
    }

    /// What the settings let strangers do. Not wrong, but to be known.
    pub fn openings(&self) -> impl Iterator<Item = &'static str> {
        self.tenants.openings()
    }

    /// How to connect to the database.
    ///
    /// # Errors
    /// All [`ConfigErrors`].
    pub fn database(&self) -> Result<DatabaseConfig, ConfigErrors> {
        self.check(|errors| self.database.check(errors))
    }

    /// How to connect to the database, and the keys that sign the audit records written to it.
    ///
    /// # Errors
    /// All [`ConfigErrors`].
    pub fn database_and_keys(&self) -> Result<(DatabaseConfig, KeysConfig), ConfigErrors> {
        self.check(|errors| {
            let database = self.database.check(errors);
            let keys = self.keys.check(errors);
            database.zip(keys)
        })
    }

    /// How users are authenticated.
    ///
    /// # Errors
    /// All [`ConfigErrors`].
    pub fn auth(&self) -> Result<AuthConfig, ConfigErrors> {
        self.check(|errors| self.check_auth(errors))
    }

    /// What managing signing keys needs.
    ///
    /// # Errors
    /// All [`ConfigErrors`].
    pub fn signing_keys(&self) -> Result<(KeysConfig, SigningConfig), ConfigErrors> {
        self.check(|errors| {
            let keys = self.keys.check(errors);
            let tokens = self.tokens.check(errors);
            let signing = self.signing.check(errors, tokens.as_ref());
            keys.zip(signing)
        })
    }

    /// How long tenants have to pay.
    ///
    /// # Errors
    /// All [`ConfigErrors`].
    pub fn payment(&self) -> Result<PaymentTerms, ConfigErrors> {
        self.check(|errors| self.billing.check(errors))
    }

    /// The key-encryption keys.
    ///
    /// # Errors
    /// All [`ConfigErrors`].
    pub fn keys(&self) -> Result<KeysConfig, ConfigErrors> {
        self.check(|errors| self.keys.check(errors))
    }

    /// What `migrate` needs.
    ///
    /// # Errors
    /// All [`ConfigErrors`].
    pub fn migrate(&self) -> Result<MigrateConfig, ConfigErrors> {
        self.check(|errors| self.database.check_for_migrate(errors))
    }

    /// The address on which the server of this configuration listens.
    ///
    /// # Errors
    /// All [`ConfigErrors`].
    pub fn listen(&self) -> Result<SocketAddr, ConfigErrors> {
        self.check(|errors| self.http.check_listen(errors))
    }

    /// What sending a signed sample to a running server needs.
    ///
    /// # Errors
    /// All [`ConfigErrors`].
    pub fn sample(&self) -> Result<SampleConfig, ConfigErrors> {
        self.check(|errors| {
            let secrets = self.whatsapp.check_secrets(errors);
            let listen = self.http.check_listen(errors);
            Some(SampleConfig { secrets: secrets?, listen: listen? })
        })
    }

    /// Where Meta's Graph API is.
    ///
    /// # Errors
    /// All [`ConfigErrors`].
    pub fn graph(&self) -> Result<GraphConfig, ConfigErrors> {
        self.check(|errors| self.whatsapp.check_graph(errors))
    }

    fn check_auth(&self, errors: &mut ConfigErrors) -> Option<AuthConfig> {
        let keys = self.keys.check(errors);
        let tokens = self.tokens.check(errors);
        let signing = self.signing.check(errors, tokens.as_ref());
        let sessions = self.sessions.check(errors);
        let passwords = self.passwords.check(errors);
        Some(AuthConfig { keys: keys?, tokens: tokens?, signing: signing?, sessions: sessions?, passwords: passwords? })
    }

    fn check<T>(&self, area: impl FnOnce(&mut ConfigErrors) -> Option<T>) -> Result<T, ConfigErrors> {
        let mut errors = self.file_errors.clone();
        match area(&mut errors) {
            Some(config) if errors.is_empty() => Ok(config),
            _ => Err(errors),
        }
    }
}
