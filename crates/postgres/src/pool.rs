use std::time::{Duration, Instant};

use deadpool::Runtime;
use deadpool::managed::{QueueMode, Timeouts};
use diesel::result::{ConnectionError, Error};
use diesel_async::pooled_connection::deadpool::{Hook, HookError, Object, Pool};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, PoolError, RecyclingMethod};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use futures_util::FutureExt;
use kernel::StoreError;
use metrics::{gauge, histogram};
use tokio::runtime::Handle;

use crate::connect::Connector;
use crate::metrics as names;
use crate::sql::{Prepared, sql};

pub(crate) type Connection = Object<AsyncPgConnection>;

/// Maximum wait for a connection.
const WAIT: Duration = Duration::from_secs(5);
const CONNECT: Duration = Duration::from_secs(5);

/// A connection that was idle for less than this is reused without a check, which would cost each request of a busy server one
/// more round trip. Leaked settings are found nevertheless: `app.begin_tenant` checks for them at the start of each
/// transaction.
const TRUSTED_IDLE: Duration = Duration::from_millis(100);

/// Limits of a statement and of a forgotten transaction, both above anything that Parley runs. A statement whose client has
/// disconnected ends, and with it its locks.
const SERVER_TIMEOUTS: &str = "SET statement_timeout = '30s'; \
                      SET idle_in_transaction_session_timeout = '60s'; \
                      SET client_connection_check_interval = '2s'";

/// Connections of one role.
#[derive(Clone)]
pub(crate) struct ConnectionPool {
    name: &'static str,
    pool: Pool<AsyncPgConnection>,
}

impl ConnectionPool {
    /// Creates a pool on the current runtime; connections are opened on demand.
    pub(crate) fn new(
        name: &'static str,
        connector: Connector,
        size: usize,
        lock_timeout: Duration,
    ) -> Result<Self, diesel_async::pooled_connection::deadpool::BuildError> {
        let mut config = ManagerConfig::default();
        // Each thread of the web server has its own runtime, which ends before the process does: drive connections on the
        // runtime that the pool was created on.
        let runtime = Handle::current();
        config.custom_setup = Box::new(move |_| {
            let connecting = runtime.spawn(connect(connector.clone(), lock_timeout));
            async { connecting.await.unwrap_or_else(|crash| Err(ConnectionError::BadConnection(crash.to_string()))) }
                .boxed()
        });
        config.recycling_method = RecyclingMethod::Fast;
        // The connector has the URL.
        let manager = AsyncDieselConnectionManager::new_with_config("", config);
        let pool = Pool::builder(manager)
            .max_size(size)
            // Last used first: it has the prepared statements, and is most likely alive.
            .queue_mode(QueueMode::Lifo)
            .pre_recycle(Hook::async_fn(|connection, metrics| {
                let idle = metrics.last_used();
                async move { if idle < TRUSTED_IDLE { Ok(()) } else { clean(connection).await } }.boxed()
            }))
            .timeouts(Timeouts { wait: Some(WAIT), create: Some(CONNECT), recycle: Some(CONNECT) })
            .runtime(Runtime::Tokio1)
            .build()?;
        Ok(Self { name, pool })
    }

    pub(crate) async fn get(&self) -> Result<Connection, StoreError> {
        let asked = Instant::now();
        let answer = self.pool.get().await;
        histogram!(names::WAIT, "pool" => self.name).record(asked.elapsed());
        answer.map_err(|error| StoreError::Unavailable(format!("{} pool: {error}", self.name).into()))
    }

    /// Updates the gauges.
    #[expect(clippy::cast_precision_loss, reason = "a metric is a float, and a pool is small")]
    pub(crate) fn measure(&self) {
        let now = self.pool.status();
        let states =
            [("used", now.size.saturating_sub(now.available)), ("idle", now.available), ("waited_for", now.waiting)];
        for (state, connections) in states {
            gauge!(names::CONNECTIONS, "pool" => self.name, "state" => state).set(connections as f64);
        }
    }
}

async fn connect(connector: Connector, lock_timeout: Duration) -> Result<AsyncPgConnection, ConnectionError> {
    let connected = connector.connect().await;
    let mut connection = connected.map_err(|failure| ConnectionError::BadConnection(failure.to_string()))?;
    let timeouts = format!("{SERVER_TIMEOUTS}; SET lock_timeout = {}", lock_timeout.as_millis());
    connection.batch_execute(&timeouts).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

#[derive(diesel::QueryableByName)]
struct LeakedSettings {
    #[diesel(sql_type = diesel::sql_types::Text)]
    leaked_settings: String,
}

/// Checks whether a connection may be reused. Each transaction sets `app.in_tx` locally, so a value here means that a
/// transaction is still open or that a setting has outlived one: such a connection is closed, whatever state Diesel reports.
async fn clean(connection: &mut AsyncPgConnection) -> Result<(), HookError> {
    let refuse = |error| HookError::Backend(PoolError::QueryError(error));
    if leaked_settings(connection).await.map_err(refuse)?.is_empty() {
        Ok(())
    } else {
        Err(refuse(Error::BrokenTransactionManager))
    }
}

/// Transaction-local settings that the connection has now.
pub(crate) async fn leaked_settings(connection: &mut AsyncPgConnection) -> Result<String, Error> {
    let LeakedSettings { leaked_settings } =
        Prepared(sql("SELECT coalesce(current_setting('app.current_tenant_id', true), '') \
         || coalesce(current_setting('app.in_tx', true), '') AS leaked_settings"))
        .get_result(connection)
        .await?;
    Ok(leaked_settings)
}

#[derive(diesel::QueryableByName)]
struct ServerTimeouts {
    #[diesel(sql_type = diesel::sql_types::Text)]
    statement: String,
    #[diesel(sql_type = diesel::sql_types::Text)]
    lock: String,
    #[diesel(sql_type = diesel::sql_types::Text)]
    idle: String,
}

/// The values of [`SERVER_TIMEOUTS`] that the server reports.
pub(crate) async fn timeouts(connection: &mut AsyncPgConnection) -> Result<[String; 3], Error> {
    let ServerTimeouts { statement, lock, idle } =
        Prepared(sql("SELECT current_setting('statement_timeout') AS statement, \
         current_setting('lock_timeout') AS lock, \
         current_setting('idle_in_transaction_session_timeout') AS idle"))
        .get_result(connection)
        .await?;
    Ok([statement, lock, idle])
}
