use std::time::Duration;

use kernel::{StoreError, error_chain};
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// Delays between retries while a dependency is unavailable: doubled each time, from half a second to 30 seconds.
#[derive(Debug)]
pub(crate) struct Backoff(Duration);

impl Backoff {
    const FIRST: Duration = Duration::from_millis(500);
    const MAX: Duration = Duration::from_secs(30);

    pub(crate) const fn new() -> Self {
        Self(Self::FIRST)
    }

    pub(crate) const fn reset(&mut self) {
        self.0 = Self::FIRST;
    }

    /// Waits for the next delay, or until `stop` is cancelled.
    pub(crate) async fn pause(&mut self, stop: &CancellationToken) {
        let delay = self.0;
        self.0 = (self.0 * 2).min(Self::MAX);
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
