use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use http_api::Readiness;
use postgres::Postgres;
use tokio::time::sleep;
use tracing::info;

use super::readiness::Dependencies;

const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Waits until the database responds and is migrated, so that services may start in any order. Meanwhile a stand-by server on
/// the listener reports what is missing.
pub(super) async fn wait_for_database(database: &Postgres, listener: TcpListener) -> io::Result<()> {
    let readiness = Arc::new(Dependencies::new(database.clone(), None, false));
    if is_ready(&*readiness).await {
        return Ok(());
    }
    let standby = http_api::bind_standby(listener, Arc::clone(&readiness) as Arc<dyn Readiness>)?;
    let handle = standby.handle();
    let standby = tokio::spawn(standby);
    while !is_ready(&*readiness).await {
        sleep(CHECK_INTERVAL).await;
    }
    info!("database available");
    handle.stop(true).await;
    // The outcome of a server that is stopped does not matter.
    let _ = standby.await;
    Ok(())
}

/// Whether the database responds and is migrated. The checks log what is missing. The broker is not required.
async fn is_ready(readiness: &dyn Readiness) -> bool {
    readiness.check().await.iter().all(|check| !check.needed || check.state.is_ok())
}
