use std::sync::Arc;

use async_trait::async_trait;
use channels::AccountApi;
use cli::{AdapterError, Adapters, MigrationReport};
use config::{
    AmqpConfig, AuthConfig, DatabaseConfig, GraphConfig, KeysConfig, LogConfig, MediaConfig, MigrateConfig,
    ProcessRoles, ServeConfig,
};
use crypto::Ed25519;
use flows::{AuthService, Database};
use kernel::{SystemClock, SystemEntropy, error_chain};
use media::ObjectStore;
use postgres::{AdminUrls, DatabaseLogin, DatabaseRole, MigrationUrls};
use tokens::SignatureAlgorithm;

use super::connect::{self, auth_service};
use super::serve::serve;

/// The adapters of the program: Postgres, RabbitMQ, the system's clock and entropy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Production;

#[async_trait]
impl Adapters for Production {
    fn init_logs(&self, config: &LogConfig) -> Result<(), AdapterError> {
        Ok(telemetry::init_logs(config)?)
    }

    fn database(&self, config: &DatabaseConfig, keys: &KeysConfig) -> Result<Arc<dyn Database>, AdapterError> {
        Ok(Arc::new(connect::postgres(config, keys)?))
    }

    async fn auth_service(&self, database: Arc<dyn Database>, config: AuthConfig) -> Result<AuthService, AdapterError> {
        let (clock, entropy) = (Arc::new(SystemClock::new()), Arc::new(SystemEntropy::new()));
        let (service, _) = auth_service(database, config, clock, entropy).await?;
        Ok(service)
    }

    fn account_api(&self, config: &GraphConfig) -> Result<Arc<dyn AccountApi>, AdapterError> {
        Ok(Arc::new(connect::graph(config)?))
    }

    fn object_store(&self, config: &MediaConfig) -> Result<Arc<dyn ObjectStore>, AdapterError> {
        Ok(Arc::new(connect::objects(config)?))
    }

    fn signature_algorithm(&self) -> Arc<dyn SignatureAlgorithm> {
        Arc::new(Ed25519)
    }

    async fn migrate(&self, config: MigrateConfig) -> Result<MigrationReport, AdapterError> {
        let admin =
            config.admin.map(|admin| AdminUrls { url: admin.url, app: admin.app_url, platform: admin.platform_url });
        let urls = MigrationUrls { owner: config.owner_url, admin };
        let report = postgres::migrate(&urls, &SystemClock::new()).await?;
        Ok(MigrationReport {
            migrations: report.migrations,
            functions: report.functions.len(),
            system_roles: report.system_roles,
        })
    }

    async fn serve(&self, config: ServeConfig, roles: ProcessRoles) -> Result<(), AdapterError> {
        Ok(serve(config, roles).await?)
    }

    async fn check_database(&self, config: &DatabaseConfig, migrate: Option<&MigrateConfig>) -> Vec<String> {
        let login = |setting, url: &secrecy::SecretString, expected_role| DatabaseLogin {
            setting,
            url: url.clone(),
            expected_role,
        };
        let mut logins = vec![
            login("database.platform_url", &config.platform_url, Some(DatabaseRole::Platform)),
            login("database.url", &config.url, Some(DatabaseRole::App)),
        ];
        if let Some(migrate) = migrate {
            logins.push(login("database.owner_url", &migrate.owner_url, None));
            logins.extend(migrate.admin.iter().map(|admin| login("database.admin_url", &admin.url, None)));
        }
        postgres::inspect(&logins).await.iter().map(|problem| error_chain(problem)).collect()
    }

    async fn check_broker(&self, config: &AmqpConfig) -> Vec<String> {
        let problems = match connect::broker(config) {
            Ok(broker) => broker.inspect().await,
            Err(error) => Err(error),
        };
        match problems {
            Ok(problems) => problems.iter().map(ToString::to_string).collect(),
            Err(error) => vec![format!("connecting with amqp.url failed: {}", error_chain(&error))],
        }
    }
}
