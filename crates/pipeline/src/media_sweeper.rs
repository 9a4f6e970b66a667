use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use flows::{Database, delete_objects, settle, sweep_stores, sweep_unlinked, sweep_unused};
use kernel::{Clock, StoreError, error_chain};
use media::{MediaCounts, MediaLedger, ObjectStore};
use metrics::{counter, gauge};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::interval::every;
use crate::metrics::{
    MEDIA_DELETIONS, MEDIA_MISSING, MEDIA_OLDEST_DELETION, MEDIA_OLDEST_WAITING, MEDIA_STORE_FAILURES, MEDIA_STORE_UP,
    MEDIA_WAITING, MEDIA_WITHOUT_TOKEN,
};

/// Deletes files and bytes that nothing refers to, compares rows and store, and measures both. Several may run at once.
#[derive(Clone)]
pub struct MediaSweeper {
    pub database: Arc<dyn Database>,
    pub store: Arc<dyn ObjectStore>,
    pub clock: Arc<dyn Clock>,
}

const MEASURE_INTERVAL: Duration = Duration::from_secs(15);
/// The files of erased contacts and revoked messages.
const DELETE_INTERVAL: Duration = Duration::from_secs(15);
const UNUSED_INTERVAL: Duration = Duration::from_hours(1);
/// Looks at each object.
const STORE_INTERVAL: Duration = Duration::from_hours(24);

impl MediaSweeper {
    /// Runs until `stop` is cancelled.
    pub async fn run(self, stop: CancellationToken) {
        let [mut measure, mut delete, mut unused, mut stores] =
            [MEASURE_INTERVAL, DELETE_INTERVAL, UNUSED_INTERVAL, STORE_INTERVAL].map(every);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = measure.tick() => self.measure().await,
                _ = delete.tick() => self.delete(&stop).await,
                _ = unused.tick() => self.sweep_unused().await,
                _ = stores.tick() => self.sweep_stores().await,
            }
        }
    }

    async fn delete(&self, stop: &CancellationToken) {
        if let Err(error) = sweep_unlinked(&*self.database, &*self.clock).await {
            warn!(error = error_chain(&error), "reading the tenants with unused files failed");
        }
        while !stop.is_cancelled() {
            match delete_objects(&*self.database, &*self.store, &*self.clock).await {
                Ok(0) => return,
                Ok(objects) => info!(objects, "objects deleted from the store"),
                Err(error) => {
                    warn!(error = error_chain(&error), "reading the ledger of deleted objects failed");
                    return;
                }
            }
        }
    }

    async fn sweep_unused(&self) {
        if let Err(error) = sweep_unused(&*self.database, &*self.clock).await {
            warn!(error = error_chain(&error), "reading the tenants with files failed");
        }
    }

    async fn sweep_stores(&self) {
        match sweep_stores(&*self.database, &*self.store, &*self.clock).await {
            #[expect(clippy::cast_precision_loss, reason = "a metric is a float, and whole up to 2^53")]
            Ok(sweep) => {
                gauge!(MEDIA_MISSING).set(sweep.missing as f64);
                if sweep.unknown > 0 {
                    info!(objects = sweep.unknown, "objects without files found in the store; they are deleted");
                }
                if sweep.fetched_again > 0 {
                    info!(files = sweep.fetched_again, "files that the store has lost are fetched again");
                }
            }
            Err(error) => warn!(error = error_chain(&error), "comparing the object store with the database failed"),
        }
    }

    async fn measure(&self) {
        match self.store.probe().await {
            Ok(()) => gauge!(MEDIA_STORE_UP).set(1.0),
            Err(error) => {
                gauge!(MEDIA_STORE_UP).set(0.0);
                counter!(MEDIA_STORE_FAILURES).increment(1);
                warn!(error = error_chain(&error), "the object store is not available");
            }
        }
        match self.count().await {
            #[expect(clippy::cast_precision_loss, reason = "a metric is a float, and whole up to 2^53")]
            Ok(counts) => {
                let age = |time: Option<DateTime<Utc>>| {
                    time.map_or(0.0, |time| (self.clock.now() - time).to_std().unwrap_or_default().as_secs_f64())
                };
                gauge!(MEDIA_WAITING).set(counts.waiting as f64);
                gauge!(MEDIA_OLDEST_WAITING).set(age(counts.oldest_waiting));
                gauge!(MEDIA_WITHOUT_TOKEN).set(counts.without_token as f64);
                gauge!(MEDIA_DELETIONS).set(counts.deletions as f64);
                gauge!(MEDIA_OLDEST_DELETION).set(age(counts.oldest_deletion));
            }
            Err(error) => warn!(error = error_chain(&error), "counting files failed"),
        }
    }

    async fn count(&self) -> Result<MediaCounts, StoreError> {
        let mut tx = self.database.directory().await?;
        let counted = MediaLedger::count_media(&mut *tx).await;
        settle(tx, counted).await
    }
}

impl fmt::Debug for MediaSweeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MediaSweeper").finish_non_exhaustive()
    }
}
