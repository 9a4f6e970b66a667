use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use postgres::Postgres;
use tokio::time::sleep;
use tracing::{info, warn};

use super::readiness::Dependencies;
use crate::http::{self, Readiness};

const INTERVAL: Duration = Duration::from_secs(1);

/// Waits until the database answers and is migrated, in whatever order things are started. Meanwhile the listener is served
/// by a stand-by that says what is missing, so that whoever starts us can see it.
pub(super) async fn wait_for_database(database: &Postgres, listener: TcpListener) -> io::Result<()> {
    let readiness = Arc::new(Dependencies { database: database.clone(), publisher: None });
    let Some(mut missing) = missing(&*readiness).await else { return Ok(()) };

    let standby = http::bind_standby(listener, Arc::clone(&readiness) as Arc<dyn Readiness>)?;
    let handle = standby.handle();
    let standby = tokio::spawn(standby);
    let mut said = String::new();
    loop {
        if missing != said {
            warn!(missing, "waiting for the database");
            said.clone_from(&missing);
        }
        sleep(INTERVAL).await;
        match self::missing(&*readiness).await {
            Some(still) => missing = still,
            None => break,
        }
    }
    info!("the database is there");
    handle.stop(false).await;
    // It was told to stop: how it took it does not matter.
    let _ = standby.await;
    Ok(())
}

/// What of the database is missing, in a sentence. The broker may come later.
async fn missing(readiness: &dyn Readiness) -> Option<String> {
    let checks = readiness.check().await;
    let mut missing = checks.into_iter().filter(|check| check.name != "broker");
    missing.find_map(|check| check.state.err().map(|reason| format!("{} {reason}", check.name)))
}
