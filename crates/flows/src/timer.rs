use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;

/// Waits for use cases, so that a unit test does not have to.
#[async_trait]
pub trait Timer: Send + Sync + Debug {
    async fn sleep(&self, duration: Duration);
}
