use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use iam::{AttemptCounter, RateLimitBucket, RateLimitKey, RateLimitRepo};
use kernel::StoreError;

/// The counters of attempts.
#[derive(Debug, Default)]
pub(crate) struct FakeCounters(pub(crate) HashMap<RateLimitKey, AttemptCounter>);

#[async_trait]
impl RateLimitRepo for FakeCounters {
    async fn lock_attempt_counters(
        &mut self,
        keys: &[RateLimitKey],
        _: DateTime<Utc>,
    ) -> Result<Vec<AttemptCounter>, StoreError> {
        Ok(keys.iter().map(|key| self.0.get(key).cloned().unwrap_or_default()).collect())
    }

    async fn save_attempt_counters(
        &mut self,
        counters: &[(RateLimitBucket, AttemptCounter)],
        _: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.0.extend(counters.iter().map(|(bucket, counter)| (bucket.key, counter.clone())));
        Ok(())
    }

    async fn purge_attempt_counters(&mut self, _: DateTime<Utc>, _: i64) -> Result<usize, StoreError> {
        unreachable!("the scheduler purges")
    }
}
