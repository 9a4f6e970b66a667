use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use kernel::{SystemClock, SystemEntropy};
use postgres::ConnectError;
use rabbitmq::{Broker, BrokerError};
use tokio::signal::unix::{SignalKind, signal};
use tracing::info;

use super::starting::wait_for_database;
use super::{Instance, OpenError, Role, Roles, postgres};
use crate::config::ServeConfig;
use crate::{http, telemetry};

#[derive(Debug, thiserror::Error)]
pub enum ServeError {
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

/// Runs the parts of a process until it is told to stop by SIGTERM or SIGINT.
///
/// # Errors
/// [`ServeError`], for what waiting would not mend.
pub async fn serve(config: ServeConfig, roles: Roles) -> Result<(), ServeError> {
    // From here on a signal ends the process in order, also while it waits.
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let told_to_stop = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    tokio::pin!(told_to_stop);

    let listener = listen(config.http.listen)?;
    let metrics_listener = listen(config.http.metrics_listen)?;
    info!(address = %metrics_listener.local_addr()?, "metrics");
    let metrics = http::bind_metrics(metrics_listener, telemetry::init_metrics()?)?;
    let (metrics_handle, metrics) = (metrics.handle(), tokio::spawn(metrics));

    let database = postgres(&config.database)?;
    tokio::select! {
        () = &mut told_to_stop => return Ok(()),
        waited = wait_for_database(&database, listener.try_clone()?) => waited?,
    }
    let threads = config.http.workers;
    let (clock, entropy) = (Arc::new(SystemClock::new()), Arc::new(SystemEntropy::new()));
    let instance = Instance::open(config, roles.clone(), clock, entropy).await?;
    let contact = first_contact(instance.broker.clone(), &roles);
    let running = instance.run(listener, threads)?;
    if roles.include(Role::Api) {
        info!(address = %running.address, %roles, "listening");
    } else {
        info!(address = %running.address, %roles, "working");
    }
    let outcome = tokio::select! {
        () = told_to_stop => Ok(()),
        reason = contact => Err(ServeError::Broker(reason)),
    };
    info!("stopping");
    running.stop().await;
    metrics_handle.stop(false).await;
    // It was told to stop: how it took it does not matter.
    let _ = metrics.await;
    outcome
}

/// Answers only if the broker has something else under our names, which nobody notices before it is there.
async fn first_contact(broker: Broker, roles: &Roles) -> BrokerError {
    if roles.need_broker()
        && let Err(reason) = broker.first_contact().await
    {
        return reason;
    }
    std::future::pending().await
}

fn listen(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).map_err(|reason| ServeError::Listen { address, reason })
}
