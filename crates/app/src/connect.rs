use std::sync::Arc;

use config::{AmqpConfig, AmqpIdentity, AuthConfig, DatabaseConfig, GraphConfig, KeysConfig, MediaConfig};
use crypto::{Argon2Hasher, Ed25519, KeyedSemaphore};
use flows::{AuthService, Database, SigningKeys, SigningKeysError};
use graph::{ClientError, GraphClient, GraphEndpoint};
use iam::{HashError, RateLimiter};
use kernel::seal::KeyRing;
use kernel::{Clock, Entropy};
use objects::{LocationError, Objects};
use postgres::{ConnectError, PoolSizes, Postgres, PostgresConfig, RoleProblem};
use rabbitmq::{Broker, BrokerConfig, BrokerError, BrokerTls, ClientIdentity};
use secrecy::ExposeSecret;
use telemetry::TracesError;
use url::Url;

use crate::tokio_timer::TokioTimer;

/// Why a process cannot start; waiting does not help.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    DatabaseRole(#[from] RoleProblem),
    #[error(transparent)]
    Broker(#[from] BrokerError),
    #[error(transparent)]
    Keys(#[from] SigningKeysError),
    #[error(transparent)]
    Hash(#[from] HashError),
    #[error(transparent)]
    Graph(#[from] ClientError),
    #[error("media.store: {0}")]
    Objects(#[from] LocationError),
    #[error(transparent)]
    Traces(#[from] TracesError),
}

/// The object store; connects on first use. Its options may be in variables of the environment, as its cloud's own tools read them.
///
/// # Errors
/// [`LocationError`].
pub(crate) fn objects(config: &MediaConfig) -> Result<Objects, LocationError> {
    let url = Url::parse(config.store.expose_secret()).map_err(|_| LocationError::UnknownScheme)?;
    let environment: Vec<(String, String)> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    Objects::open(&url, &environment)
}

/// Meta's Graph API; connects on first use.
///
/// # Errors
/// [`ClientError`].
pub(crate) fn graph(config: &GraphConfig) -> Result<GraphClient, ClientError> {
    GraphClient::new(GraphEndpoint { url: config.url.clone(), version: config.version.clone() })
}

/// The connection pools of a process; connects on first use.
///
/// # Errors
/// [`ConnectError`].
pub fn postgres(config: &DatabaseConfig, keys: &KeysConfig) -> Result<Postgres, ConnectError> {
    Postgres::new(&PostgresConfig {
        app_url: config.url.clone(),
        platform_url: config.platform_url.clone(),
        connections: PoolSizes {
            tenant: config.tenant_connections,
            platform: config.platform_connections,
            intake: config.intake_connections,
        },
        lock_timeout: postgres::LOCK_TIMEOUT,
        audit_keys: Arc::clone(&keys.key_ring),
    })
}

/// The broker; connects on first use.
///
/// # Errors
/// [`BrokerError::Url`].
pub fn broker(config: &AmqpConfig) -> Result<Broker, BrokerError> {
    let identity = config.tls.identity.clone();
    let identity =
        identity.map(|AmqpIdentity { certificate, private_key }| ClientIdentity { certificate, private_key });
    Broker::new(&BrokerConfig {
        url: config.url.clone(),
        namespace: config.namespace.clone(),
        tls: BrokerTls { authorities: config.tls.authorities.clone(), identity },
    })
}

/// The service of authentication, and the key ring that its keys are sealed with.
pub(crate) async fn auth_service(
    database: Arc<dyn Database>,
    config: AuthConfig,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> Result<(AuthService, Arc<KeyRing>), OpenError> {
    let (key_ring, rotation) = (config.keys.key_ring, config.signing.rotation);
    let algorithm = Arc::new(Ed25519);
    let keys = SigningKeys::open(&*database, algorithm, Arc::clone(&key_ring), rotation, &*entropy, &*clock).await?;
    let service = AuthService {
        database,
        clock,
        timer: Arc::new(TokioTimer),
        hasher: Arc::new(Argon2Hasher::new(config.passwords, &*entropy)?),
        rate_limiter: RateLimiter::new(&config.keys.first, Arc::new(KeyedSemaphore::default())),
        entropy,
        keys: Arc::new(keys),
        policy: config.tokens,
        sessions: config.sessions,
        key_ring: Arc::clone(&key_ring),
    };
    Ok((service, key_ring))
}
