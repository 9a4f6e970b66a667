use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// Pauses that grow from half a second to half a minute while something we depend on is away.
#[derive(Debug)]
pub(crate) struct Backoff(Duration);

impl Backoff {
    const FIRST: Duration = Duration::from_millis(500);
    const LONGEST: Duration = Duration::from_secs(30);

    pub(crate) const fn new() -> Self {
        Self(Self::FIRST)
    }

    pub(crate) const fn reset(&mut self) {
        self.0 = Self::FIRST;
    }

    /// Waits, unless it is time to stop.
    pub(crate) async fn pause(&mut self, stop: &CancellationToken) {
        let pause = self.0;
        self.0 = (self.0 * 2).min(Self::LONGEST);
        let _ = tokio::time::timeout(pause, stop.cancelled()).await;
    }
}
