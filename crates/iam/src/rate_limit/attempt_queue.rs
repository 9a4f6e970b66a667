use std::fmt::{self, Debug};

use async_trait::async_trait;

use super::RateLimitBucket;

/// Queues the attempts of one process per bucket, first in, first out: as many run at a time as may fail. It saves polling the
/// counters in the database, which alone decide.
#[async_trait]
pub trait AttemptQueue: Send + Sync + Debug {
    /// Waits for a place in all buckets.
    ///
    /// # Errors
    /// [`QueueTimeout`] after [`RateLimiter::MAX_WAIT`](super::RateLimiter::MAX_WAIT).
    async fn acquire(&self, buckets: &[RateLimitBucket]) -> Result<QueuePermit, QueueTimeout>;
}

/// A place in each of an attempt's buckets; dropping it admits the next attempt.
#[must_use]
pub struct QueuePermit(#[expect(dead_code, reason = "held until the attempt ends")] Box<dyn Send + Sync>);

impl QueuePermit {
    /// A permit that holds this value until it is dropped.
    pub fn new(held: impl Send + Sync + 'static) -> Self {
        Self(Box::new(held))
    }
}

impl Debug for QueuePermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueuePermit").finish_non_exhaustive()
    }
}

/// The attempt waited for longer than [`RateLimiter::MAX_WAIT`](super::RateLimiter::MAX_WAIT).
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("too many attempts are waiting")]
pub struct QueueTimeout;
