use std::time::Duration;

use async_trait::async_trait;
use flows::Timer;

/// Waits by the timer of the runtime.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TokioTimer;

#[async_trait]
impl Timer for TokioTimer {
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
