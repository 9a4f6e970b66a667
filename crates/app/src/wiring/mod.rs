//! Puts the adapters behind the ports and runs the parts of one process: the API, the relay, the workers.
//!
//! [`Instance::open`] needs a database that answers and is migrated; [`serve`] waits for one.

mod readiness;
mod role;
mod running;
mod serve;
mod starting;

use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use chrono::TimeDelta;
use flows::{Database, Identity, SigningKeys, SigningKeysError};
use iam::{HashError, PasswordHasher, Throttle};
use inbound::{AppCredentials, RetentionPolicy, RetryPolicy};
use kernel::{Clock, Entropy};
use pipeline::{Biller, Flusher, Intake, KeyKeeper, Recorder, Relay, Scheduler, Sealer, Worker};
use postgres::{ConnectError, Connections, Postgres, PostgresConfig, RoleProblem};
use rabbitmq::{Broker, BrokerConfig, BrokerError};
use tokio::runtime::Handle;
use tokio::sync::Notify;

use crate::Background;
use crate::config::{AmqpConfig, DatabaseConfig, ServeConfig};
use crate::http::{CursorKey, State};
use crate::telemetry::Traces;
use readiness::Dependencies;

pub use role::{Role, Roles};
pub use running::Running;
pub use serve::{ServeError, serve};

/// Why an instance cannot start, however long one waits.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Role(#[from] RoleProblem),
    #[error(transparent)]
    Broker(#[from] BrokerError),
    #[error(transparent)]
    Keys(#[from] SigningKeysError),
    #[error(transparent)]
    Hash(#[from] HashError),
    #[error("there is no client for the collector of traces: {0}")]
    Traces(#[from] opentelemetry_otlp::ExporterBuildError),
}

/// Everything that one process is made of, not running yet.
#[derive(Debug)]
pub struct Instance {
    pub(crate) state: web::Data<State>,
    roles: Roles,
    postgres: Postgres,
    broker: Broker,
    nudge: Arc<Notify>,
    flusher: Flusher,
    poll: Duration,
    retry: RetryPolicy,
    retention: RetentionPolicy,
    traces: Traces,
}

impl Instance {
    /// Checks the database roles and opens the signing keys. Call it on the runtime that the instance is to live on.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open(
        config: ServeConfig,
        roles: Roles,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, OpenError> {
        Self::open_on(postgres(&config.database)?, config, roles, clock, entropy).await
    }

    /// The same with connections that the caller has, too.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open_on(
        database: Postgres,
        config: ServeConfig,
        roles: Roles,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, OpenError> {
        database.check_roles().await?;
        let broker = broker(&config.amqp)?;
        let nudge = Arc::new(Notify::new());
        let (intake, flusher) = Intake::new(Arc::new(database.clone()), Arc::clone(&clock), Arc::clone(&nudge));
        let (ring, signing) = (Arc::new(config.identity.keys.ring), config.identity.signing);
        let keys = SigningKeys::open(&database, Arc::clone(&ring), signing.rotation, &*entropy, &*clock).await?;
        let poll = TimeDelta::from_std(signing.poll).unwrap_or(TimeDelta::MAX);
        let traces = Traces::start(&config.traces, &*clock)?;
        let identity = Identity {
            database: Arc::new(database.clone()),
            clock,
            hasher: PasswordHasher::new(config.identity.passwords, &*entropy)?,
            throttle: Throttle::new(&config.identity.keys.first),
            entropy,
            keys: Arc::new(keys),
            policy: config.identity.tokens,
            sessions: config.identity.sessions,
        };
        let state = State {
            identity,
            whatsapp: AppCredentials { secrets: config.whatsapp.secrets, verify_token: config.whatsapp.verify_token },
            ring,
            self_service: config.tenants.self_service,
            signup_open: config.tenants.signup_open,
            bootstrap_key: config.tenants.bootstrap_key,
            payment: config.payment,
            keys_kept: signing.rotation.may_be_kept(poll),
            cursor_key: CursorKey::derive(&config.identity.keys.first),
            trusted_proxies: config.http.trusted_proxies,
            nudge: Arc::clone(&nudge),
            intake,
            readiness: Arc::new(Dependencies::new(database.clone(), Some(broker.publisher()), roles.need_broker())),
            tracing: traces.tracing.clone(),
            background: Background::new(Handle::current()),
        };
        let (retry, retention) = (config.retry, config.retention);
        let state = web::Data::new(state);
        Ok(Self {
            state,
            roles,
            postgres: database,
            broker,
            nudge,
            flusher,
            poll: signing.poll,
            retry,
            retention,
            traces,
        })
    }

    fn database(&self) -> Arc<dyn Database> {
        Arc::clone(&self.state.identity.database)
    }

    fn relay(&self) -> Relay {
        Relay {
            database: self.database(),
            publisher: Arc::new(self.broker.publisher()),
            clock: Arc::clone(&self.state.identity.clock),
            nudge: Arc::clone(&self.nudge),
            tracing: self.traces.tracing.clone(),
        }
    }

    fn worker(&self) -> Worker {
        Worker {
            database: self.database(),
            clock: Arc::clone(&self.state.identity.clock),
            entropy: Arc::clone(&self.state.identity.entropy),
            retry: self.retry,
            tracing: self.traces.tracing.clone(),
        }
    }

    fn scheduler(&self) -> Scheduler {
        Scheduler {
            database: self.database(),
            queues: Arc::new(self.broker.publisher()),
            clock: Arc::clone(&self.state.identity.clock),
            retention: self.retention,
        }
    }

    fn biller(&self) -> Biller {
        Biller { database: self.database(), payment: self.state.payment, clock: Arc::clone(&self.state.identity.clock) }
    }

    fn sealer(&self) -> Sealer {
        Sealer {
            database: self.database(),
            ring: Arc::clone(&self.state.ring),
            clock: Arc::clone(&self.state.identity.clock),
        }
    }

    fn key_keeper(&self) -> KeyKeeper {
        let identity = &self.state.identity;
        KeyKeeper {
            database: self.database(),
            keys: Arc::clone(&identity.keys),
            entropy: Arc::clone(&identity.entropy),
            clock: Arc::clone(&identity.clock),
            poll: self.poll,
        }
    }

    fn recorder(&self) -> Recorder {
        Recorder { database: self.database(), clock: Arc::clone(&self.state.identity.clock) }
    }
}

/// The pools of a process; nothing is connected yet.
///
/// # Errors
/// [`ConnectError`].
pub fn postgres(config: &DatabaseConfig) -> Result<Postgres, ConnectError> {
    Postgres::new(&PostgresConfig {
        app_url: config.url.clone(),
        platform_url: config.platform_url.clone(),
        connections: Connections {
            tenant: config.tenant_connections,
            platform: config.platform_connections,
            intake: config.intake_connections,
        },
    })
}

/// The broker; nothing is connected yet.
///
/// # Errors
/// [`BrokerError::Url`].
pub fn broker(config: &AmqpConfig) -> Result<Broker, BrokerError> {
    Broker::new(&BrokerConfig { url: config.url.clone(), namespace: config.namespace.clone() })
}
