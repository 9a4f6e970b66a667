use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use kernel::{StoreError, error_chain};
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// Delays between retries while a dependency is unavailable: doubled each time, from half a second to 30 seconds.
#[derive(Debug)]
pub(crate) struct Backoff(ExponentialBackoff);

const MAX_DELAY: Duration = Duration::from_secs(30);
const DELAYS: ExponentialBuilder =
    ExponentialBuilder::new().with_min_delay(Duration::from_millis(500)).with_max_delay(MAX_DELAY).without_max_times();

impl Backoff {
    pub(crate) fn new() -> Self {
        Self(DELAYS.build())
    }

    pub(crate) fn reset(&mut self) {
        *self = Self::new();
    }

    /// Waits for the next delay, or until `stop` is cancelled.
    pub(crate) async fn pause(&mut self, stop: &CancellationToken) {
        let delay = self.0.next().unwrap_or(MAX_DELAY);
        let _ = tokio::time::timeout(delay, stop.cancelled()).await;
    }
}

/// Retries a database operation until it succeeds; `None` when `stop` is cancelled first.
pub(crate) async fn retry_until_stopped<T, F>(operation: impl Fn() -> F + Sync, stop: &CancellationToken) -> Option<T>
where
    F: Future<Output = Result<T, StoreError>> + Send,
{
    let mut backoff = Backoff::new();
    loop {
        match operation().await {
            Ok(value) => return Some(value),
            Err(error) => warn!(error = error_chain(&error), "database operation failed; retrying"),
        }
        backoff.pause(stop).await;
        if stop.is_cancelled() {
            return None;
        }
    }
}
