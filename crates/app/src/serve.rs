use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use config::{ProcessRole, ProcessRoles, ServeConfig};
use kernel::{SystemClock, SystemEntropy};
use postgres::ConnectError;
use rabbitmq::{Broker, BrokerError};
use tokio::signal::unix::{SignalKind, signal};
use tracing::info;

use super::connect::{OpenError, postgres};
use super::instance::Instance;
use super::metrics::init_metrics;
use super::running::Listeners;
use super::startup::wait_for_database;

#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    #[error("cannot listen on {address}: {reason}")]
    Listen { address: SocketAddr, reason: io::Error },
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Broker(BrokerError),
    #[error(transparent)]
    Metrics(#[from] telemetry::MetricsError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Runs a process until SIGTERM or SIGINT.
///
/// # Errors
/// [`ServeError`], for problems that waiting does not solve.
pub(crate) async fn serve(config: ServeConfig, roles: ProcessRoles) -> Result<(), ServeError> {
    // From here on, a signal ends the process cleanly, also while it waits.
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let shutdown_signal = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    tokio::pin!(shutdown_signal);

    let listener = listen(config.http.listen)?;
    let operators = config.http.operator_listen.filter(|_| roles.include(ProcessRole::Api)).map(listen).transpose()?;
    let metrics_listener = listen(config.http.metrics_listen)?;
    info!(address = %metrics_listener.local_addr()?, "serving metrics");
    let metrics = http_api::bind_metrics(metrics_listener, init_metrics()?)?;
    let (metrics_handle, metrics) = (metrics.handle(), tokio::spawn(metrics));

    let database = postgres(&config.database, &config.auth.keys)?;
    tokio::select! {
        () = &mut shutdown_signal => return Ok(()),
        waited = wait_for_database(&database, listener.try_clone()?) => waited?,
    }
    let (clock, entropy) = (Arc::new(SystemClock::new()), Arc::new(SystemEntropy::new()));
    let instance = Instance::open(config, roles.clone(), clock, entropy).await?;
    let broker_error = declaration_error(instance.broker.clone(), &roles);
    let running = instance.run(Listeners { api: listener, operators })?;
    if roles.include(ProcessRole::Api) {
        info!(address = %running.address, %roles, "serving API");
        if let Some(address) = running.operator_address {
            info!(%address, "serving operators' API");
        }
    } else {
        info!(address = %running.address, %roles, "running");
    }
    let outcome = tokio::select! {
        () = shutdown_signal => Ok(()),
        reason = broker_error => Err(ServeError::Broker(reason)),
    };
    info!("stopping");
    running.stop().await;
    metrics_handle.stop(false).await;
    // The outcome of a server that is stopped does not matter.
    let _ = metrics.await;
    outcome
}

/// Returns only if the broker has exchanges or queues of our names with other properties, which shows once it is available.
async fn declaration_error(broker: Broker, roles: &ProcessRoles) -> BrokerError {
    if roles.need_broker()
        && let Err(reason) = broker.wait_until_available().await
    {
        return reason;
    }
    std::future::pending().await
}

fn listen(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).map_err(|reason| ServeError::Listen { address, reason })
}
