use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use channels::AccountApi;
use config::{
    AmqpConfig, AuthConfig, DatabaseConfig, GraphConfig, KeysConfig, LogConfig, MediaConfig, MigrateConfig,
    ProcessRoles, ServeConfig,
};
use flows::{AuthService, Database};
use media::ObjectStore;
use tokens::SignatureAlgorithm;

/// An error of an adapter; its text is shown to the operator.
pub type AdapterError = Box<dyn Error + Send + Sync>;

/// What the subcommands need of the adapters. The program implements it, so that no subcommand knows Postgres or RabbitMQ.
#[async_trait]
pub trait Adapters: Send + Sync {
    /// Starts logging to standard error; once in a process.
    ///
    /// # Errors
    /// Those of the adapter.
    fn init_logs(&self, config: &LogConfig) -> Result<(), AdapterError>;

    /// The connection pools; connects on first use. The keys sign the audit records that are written.
    ///
    /// # Errors
    /// Those of the adapter.
    fn database(&self, config: &DatabaseConfig, keys: &KeysConfig) -> Result<Arc<dyn Database>, AdapterError>;

    /// Opens the signing keys, creating the first one if there is none.
    ///
    /// # Errors
    /// Those of the adapter.
    async fn auth_service(&self, database: Arc<dyn Database>, config: AuthConfig) -> Result<AuthService, AdapterError>;

    /// Meta's Graph API; connects on first use.
    ///
    /// # Errors
    /// Those of the adapter.
    fn account_api(&self, config: &GraphConfig) -> Result<Arc<dyn AccountApi>, AdapterError>;

    /// The object store; connects on first use.
    ///
    /// # Errors
    /// Those of the adapter.
    fn object_store(&self, config: &MediaConfig) -> Result<Arc<dyn ObjectStore>, AdapterError>;

    /// The algorithm of the signing keys.
    fn signature_algorithm(&self) -> Arc<dyn SignatureAlgorithm>;

    /// Migrates the schema and updates the tenants' system roles. Needs a multi-threaded runtime.
    ///
    /// # Errors
    /// Those of the adapter.
    async fn migrate(&self, config: MigrateConfig) -> Result<MigrationReport, AdapterError>;

    /// Runs the server until SIGTERM or SIGINT.
    ///
    /// # Errors
    /// Those of the adapter.
    async fn serve(&self, config: ServeConfig, roles: ProcessRoles) -> Result<(), AdapterError>;

    /// Checks logins, roles, row level security, migrations and durability; the problems. Changes nothing.
    async fn check_database(&self, config: &DatabaseConfig, migrate: Option<&MigrateConfig>) -> Vec<String>;

    /// Compares exchanges and queues with their declarations; the problems. Changes nothing.
    async fn check_broker(&self, config: &AmqpConfig) -> Vec<String>;
}

/// What a migration changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MigrationReport {
    /// The names of the migrations that ran.
    pub migrations: Vec<String>,
    /// The number of SQL functions that were created or replaced.
    pub functions: usize,
    /// The number of tenants' system roles that were updated.
    pub system_roles: usize,
}
