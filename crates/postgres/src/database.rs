use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel_async::pooled_connection::deadpool::BuildError;
use flows::{
    Database, DirectoryTx, IntakeTx, LoginLookup, OperatorTx, SessionStatus, StartSession, StartSessionOutcome,
    StoredApiKey, TenantTx,
};
use iam::{Email, TenantReference};
use kernel::ids::ApiKeyId;
use kernel::seal::KeyRing;
use kernel::{StoreError, TenantScope};
use secrecy::SecretString;
use tokens::VerifiedToken;
use tokio::runtime::Handle;

use crate::access::{self, AccessReads};
use crate::api_key_access;
use crate::connect::Connector;
use crate::database_url::DatabaseUrlError;
use crate::error::store_error;
use crate::inspection::DatabaseRole;
use crate::login_lookup;
use crate::migrate;
use crate::pool::{self, ConnectionPool};
use crate::roles::{self, RoleProblem};
use crate::start_session;
use crate::transaction::{Platform, Tenant, Tx};

/// Longer than any transaction that holds a lock, and below the statement timeout, so that contention is told apart.
pub const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// URLs of the two roles that serve requests, and sizes of the pools.
#[derive(Clone, Debug)]
pub struct PostgresConfig {
    /// Logs in as `parley_app`.
    pub app_url: SecretString,
    /// Logs in as `parley_platform`.
    pub platform_url: SecretString,
    pub connections: PoolSizes,
    /// How long a statement waits for a lock before it fails with [`StoreError::Retryable`].
    pub lock_timeout: Duration,
    /// The key-encryption keys. A key derived from the first one signs the audit records that are appended.
    pub audit_keys: Arc<KeyRing>,
}

/// Maximum number of connections of each pool. Separate pools, so that webhooks and the API cannot starve each other.
#[derive(Clone, Copy, Debug)]
pub struct PoolSizes {
    pub tenant: usize,
    pub platform: usize,
    pub intake: usize,
}

#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("{setting} {problem}")]
    UnusableUrl { setting: &'static str, problem: DatabaseUrlError },
    #[error("creating the connection pools failed")]
    Pool(#[from] BuildError),
}

/// Postgres, as the port [`Database`].
#[derive(Clone)]
pub struct Postgres {
    tenant: ConnectionPool,
    platform: ConnectionPool,
    intake: ConnectionPool,
    access_reads: Arc<AccessReads>,
    audit_keys: Arc<KeyRing>,
}

impl Postgres {
    /// Creates the pools without connecting. Connections will be driven by the runtime that this is called on. The files of
    /// `sslrootcert` are read now.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    ///
    /// # Errors
    /// [`ConnectError`] names the setting whose URL cannot be used.
    pub fn new(config: &PostgresConfig) -> Result<Self, ConnectError> {
        let PoolSizes { tenant, platform, intake } = config.connections;
        let lock_timeout = config.lock_timeout;
        let connector =
            |setting, url| Connector::new(url).map_err(|problem| ConnectError::UnusableUrl { setting, problem });
        let as_app = connector("database.url", &config.app_url)?;
        let as_platform = connector("database.platform_url", &config.platform_url)?;
        Ok(Self {
            tenant: ConnectionPool::new("tenant", as_app, tenant, lock_timeout)?,
            platform: ConnectionPool::new("platform", as_platform.clone(), platform, lock_timeout)?,
            intake: ConnectionPool::new("intake", as_platform, intake, lock_timeout)?,
            access_reads: Arc::new(AccessReads::new(Handle::current())),
            audit_keys: Arc::clone(&config.audit_keys),
        })
    }

    /// The pool of `parley_platform`.
    pub(crate) const fn platform(&self) -> &ConnectionPool {
        &self.platform
    }

    /// Updates the gauges of the pools.
    pub fn measure(&self) {
        for pool in [&self.tenant, &self.platform, &self.intake] {
            pool.measure();
        }
    }

    /// Checks that both roles can connect.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] with the reason.
    pub async fn ping(&self) -> Result<(), StoreError> {
        drop(self.tenant.get().await?);
        self.platform.get().await.map(drop)
    }

    /// Settings of an earlier transaction that are still set on a pooled connection. For tests: empty unless there is a bug.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn leaked_settings(&self) -> Result<String, StoreError> {
        pool::leaked_settings(&mut *self.tenant.get().await?).await.map_err(store_error)
    }

    /// Statement timeout, lock timeout and idle-in-transaction timeout of a connection of each pool, as the server reports them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn timeouts(&self) -> Result<Vec<[String; 3]>, StoreError> {
        let mut timeouts = Vec::new();
        for pool in [&self.tenant, &self.platform, &self.intake] {
            timeouts.push(pool::timeouts(&mut *pool.get().await?).await.map_err(store_error)?);
        }
        Ok(timeouts)
    }

    /// The migrations that this build knows and the database has not seen.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn pending_migrations(&self) -> Result<Vec<String>, StoreError> {
        migrate::pending(&mut *self.platform.get().await?).await
    }

    /// Checks that row level security applies to both roles. A server must not start otherwise.
    ///
    /// # Errors
    /// [`RoleProblem`] names the role and the problem.
    pub async fn check_roles(&self) -> Result<(), RoleProblem> {
        roles::check(&mut *self.tenant.get().await?, DatabaseRole::App.name()).await?;
        roles::check(&mut *self.platform.get().await?, DatabaseRole::Platform.name()).await
    }
}

#[async_trait]
impl Database for Postgres {
    async fn tenant(&self, scope: &TenantScope) -> Result<Box<dyn TenantTx>, StoreError> {
        Ok(Box::new(Tx::<Tenant>::begin(&self.tenant, &self.audit_keys, scope).await?))
    }

    async fn directory(&self) -> Result<Box<dyn DirectoryTx>, StoreError> {
        Ok(Box::new(Tx::<Platform>::begin(&self.platform, &self.audit_keys).await?))
    }

    async fn intake(&self) -> Result<Box<dyn IntakeTx>, StoreError> {
        Ok(Box::new(Tx::<Platform>::begin(&self.intake, &self.audit_keys).await?))
    }

    async fn operator(&self) -> Result<Box<dyn OperatorTx>, StoreError> {
        Ok(Box::new(Tx::<Platform>::begin(&self.platform, &self.audit_keys).await?))
    }

    async fn access(
        &self,
        scope: &TenantScope,
        verified: &VerifiedToken,
        now: DateTime<Utc>,
    ) -> Result<SessionStatus, StoreError> {
        access::read(&self.access_reads, &self.tenant, scope, verified, now).await
    }

    async fn api_key_access(&self, scope: &TenantScope, key: ApiKeyId) -> Result<Option<StoredApiKey>, StoreError> {
        api_key_access::read(&mut *self.tenant.get().await?, scope, key).await
    }

    async fn record_api_key_use(
        &self,
        scope: &TenantScope,
        key: ApiKeyId,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        api_key_access::record_use(&mut *self.tenant.get().await?, scope, key, now).await
    }

    async fn login_lookup(
        &self,
        reference: &TenantReference,
        email: &Email,
    ) -> Result<Option<LoginLookup>, StoreError> {
        login_lookup::read(&mut *self.tenant.get().await?, reference, email).await
    }

    async fn start_session(
        &self,
        scope: &TenantScope,
        start: &StartSession<'_>,
    ) -> Result<StartSessionOutcome, StoreError> {
        start_session::run(&mut *self.tenant.get().await?, scope, &self.audit_keys, start).await
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres").finish_non_exhaustive()
    }
}
