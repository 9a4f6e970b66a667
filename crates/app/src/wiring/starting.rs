use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use postgres::Postgres;
use tokio::time::sleep;
use tracing::info;

use super::readiness::Dependencies;
use crate::http::{self, Readiness};

const INTERVAL: Duration = Duration::from_secs(1);

/// Waits until the database answers and is migrated, in whatever order things are started. Meanwhile the listener is served
/// by a stand-by that says what is missing, so that whoever starts us can see it.
pub(super) async fn wait_for_database(database: &Postgres, listener: TcpListener) -> io::Result<()> {
    let readiness = Arc::new(Dependencies::new(database.clone(), None, false));
    if is_there(&*readiness).await {
        return Ok(());
    }
    let standby = http::bind_standby(listener, Arc::clone(&readiness) as Arc<dyn Readiness>)?;
    let handle = standby.handle();
    let standby = tokio::spawn(standby);
    while !is_there(&*readiness).await {
        sleep(INTERVAL).await;
    }
    info!("the database is there");
    handle.stop(true).await;
    // It was told to stop: how it took it does not matter.
    let _ = standby.await;
    Ok(())
}

/// Whether the database answers and is migrated; what is missing is in the log. The broker may come later.
async fn is_there(readiness: &dyn Readiness) -> bool {
    readiness.check().await.iter().all(|check| !check.needed || check.state.is_ok())
}
