use std::net::SocketAddr;

use billing::PaymentTerms;
use clap::Args;

use super::amqp::AmqpSettings;
use super::billing::BillingSettings;
use super::database::DatabaseSettings;
use super::http::HttpSettings;
use super::keys::KeysSettings;
use super::log::LogSettings;
use super::passwords::PasswordsSettings;
use super::retention::RetentionSettings;
use super::retry::RetrySettings;
use super::sessions::SessionsSettings;
use super::signing::SigningSettings;
use super::tenants::TenantsSettings;
use super::tokens::TokensSettings;
use super::traces::TracesSettings;
use super::weaknesses::Weaknesses;
use super::whatsapp::WhatsAppSettings;
use super::{
    AmqpConfig, DatabaseConfig, IdentityConfig, KeysConfig, LogConfig, MigrateConfig, Mistakes, SampleConfig,
    ServeConfig, SigningConfig,
};

/// Every setting, as text. A subcommand asks for what it needs, and that alone must be there and right.
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
    /// What was wrong before any value was looked at.
    #[arg(skip)]
    pub(crate) mistakes: Mistakes,
}

impl Settings {
    /// # Errors
    /// All [`Mistakes`].
    pub fn log(&self) -> Result<LogConfig, Mistakes> {
        self.check(|mistakes| self.log.check(mistakes))
    }

    /// What `serve` needs.
    ///
    /// # Errors
    /// All [`Mistakes`].
    pub fn serve(&self) -> Result<ServeConfig, Mistakes> {
        self.check(|mistakes| {
            let database = self.database.check(mistakes);
            let amqp = self.amqp.check(mistakes);
            let http = self.http.check(mistakes);
            let identity = self.check_identity(mistakes);
            let whatsapp = self.whatsapp.check(mistakes);
            let tenants = self.tenants.check(mistakes);
            let payment = self.billing.check(mistakes);
            let retry = self.retry.check(mistakes);
            let retention = self.retention.check(mistakes);
            let traces = self.traces.check(mistakes);
            Some(ServeConfig {
                database: database?,
                amqp: amqp?,
                http: http?,
                identity: identity?,
                whatsapp: whatsapp?,
                tenants: tenants?,
                payment: payment?,
                retry: retry?,
                retention: retention?,
                traces: traces?,
            })
        })
    }

    /// How to reach the broker.
    ///
    /// # Errors
    /// All [`Mistakes`].
    pub fn amqp(&self) -> Result<AmqpConfig, Mistakes> {
        self.check(|mistakes| self.amqp.check(mistakes))
    }

    /// What is valid, but weak.
    #[must_use]
    pub fn weaknesses(&self) -> Weaknesses {
        let mut weaknesses = Weaknesses::default();
        self.database.weaknesses(&mut weaknesses);
        self.amqp.weaknesses(&mut weaknesses);
        self.keys.weaknesses(&mut weaknesses);
        self.passwords.weaknesses(&mut weaknesses);
        self.whatsapp.weaknesses(&mut weaknesses);
        self.tenants.weaknesses(&mut weaknesses);
        self.log.weaknesses(&mut weaknesses);
        weaknesses
    }

    /// What it takes to open the database.
    ///
    /// # Errors
    /// All [`Mistakes`].
    pub fn database(&self) -> Result<DatabaseConfig, Mistakes> {
        self.check(|mistakes| self.database.check(mistakes))
    }

    /// What it takes to sign people up and in.
    ///
    /// # Errors
    /// All [`Mistakes`].
    pub fn identity(&self) -> Result<IdentityConfig, Mistakes> {
        self.check(|mistakes| self.check_identity(mistakes))
    }

    /// What it takes to work with signing keys.
    ///
    /// # Errors
    /// All [`Mistakes`].
    pub fn signing_keys(&self) -> Result<(KeysConfig, SigningConfig), Mistakes> {
        self.check(|mistakes| {
            let keys = self.keys.check(mistakes);
            let tokens = self.tokens.check(mistakes);
            let signing = self.signing.check(mistakes, tokens.as_ref());
            keys.zip(signing)
        })
    }

    /// How long tenants have time to pay.
    ///
    /// # Errors
    /// All [`Mistakes`].
    pub fn payment(&self) -> Result<PaymentTerms, Mistakes> {
        self.check(|mistakes| self.billing.check(mistakes))
    }

    /// What it takes to check what was sealed.
    ///
    /// # Errors
    /// All [`Mistakes`].
    pub fn keys(&self) -> Result<KeysConfig, Mistakes> {
        self.check(|mistakes| self.keys.check(mistakes))
    }

    /// What `migrate` needs.
    ///
    /// # Errors
    /// All [`Mistakes`].
    pub fn migrate(&self) -> Result<MigrateConfig, Mistakes> {
        self.check(|mistakes| self.database.check_for_migrate(mistakes))
    }

    /// Where the server of this configuration listens.
    ///
    /// # Errors
    /// All [`Mistakes`].
    pub fn listen(&self) -> Result<SocketAddr, Mistakes> {
        self.check(|mistakes| self.http.check_listen(mistakes))
    }

    /// What it takes to send a signed sample to a running server.
    ///
    /// # Errors
    /// All [`Mistakes`].
    pub fn sample(&self) -> Result<SampleConfig, Mistakes> {
        self.check(|mistakes| {
            let secrets = self.whatsapp.check_secrets(mistakes);
            let listen = self.http.check_listen(mistakes);
            Some(SampleConfig { secrets: secrets?, listen: listen? })
        })
    }

    fn check_identity(&self, mistakes: &mut Mistakes) -> Option<IdentityConfig> {
        let keys = self.keys.check(mistakes);
        let tokens = self.tokens.check(mistakes);
        let signing = self.signing.check(mistakes, tokens.as_ref());
        let sessions = self.sessions.check(mistakes);
        let passwords = self.passwords.check(mistakes);
        Some(IdentityConfig {
            keys: keys?,
            tokens: tokens?,
            signing: signing?,
            sessions: sessions?,
            passwords: passwords?,
        })
    }

    fn check<T>(&self, area: impl FnOnce(&mut Mistakes) -> Option<T>) -> Result<T, Mistakes> {
        let mut mistakes = self.mistakes.clone();
        match area(&mut mistakes) {
            Some(config) if mistakes.is_empty() => Ok(config),
            _ => Err(mistakes),
        }
    }
}
