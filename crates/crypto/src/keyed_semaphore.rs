use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use iam::{AttemptQueue, QueuePermit, QueueTimeout, RateLimitBucket, RateLimitKey, RateLimiter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

type Semaphores = Mutex<HashMap<RateLimitKey, Arc<Semaphore>>>;

/// The [`AttemptQueue`] of one process: a semaphore per bucket, with as many permits as attempts may fail.
#[derive(Clone, Default)]
pub struct KeyedSemaphore(Arc<Semaphores>);

#[async_trait]
impl AttemptQueue for KeyedSemaphore {
    async fn acquire(&self, buckets: &[RateLimitBucket]) -> Result<QueuePermit, QueueTimeout> {
        // Always in the same order, so that attempts do not deadlock; the lowest limit first, so that many attempts on one
        // account do not occupy the bucket of their address.
        let mut buckets = buckets.to_vec();
        buckets.sort_by_key(|bucket| (bucket.limit.max_failures, bucket.key));
        let acquire_all = async {
            let mut permits = Vec::with_capacity(buckets.len());
            for RateLimitBucket { key, limit, .. } in buckets {
                let mut permit = self.key_permit(key, limit.max_failures);
                permit.acquire().await?;
                permits.push(permit);
            }
            Ok(QueuePermit::new(permits))
        };
        timeout(RateLimiter::MAX_WAIT, acquire_all).await.unwrap_or(Err(QueueTimeout))
    }
}

impl KeyedSemaphore {
    fn key_permit(&self, key: RateLimitKey, permits: usize) -> KeyPermit {
        let mut semaphores = lock(&self.0);
        let semaphore = semaphores.entry(key).or_insert_with(|| Arc::new(Semaphore::new(permits)));
        KeyPermit { semaphores: Arc::clone(&self.0), key, semaphore: Some(Arc::clone(semaphore)), permit: None }
    }
}

/// A place in one bucket, waited for or held. Dropping the last one of a key removes the key's semaphore.
struct KeyPermit {
    semaphores: Arc<Semaphores>,
    key: RateLimitKey,
    semaphore: Option<Arc<Semaphore>>,
    permit: Option<OwnedSemaphorePermit>,
}

impl KeyPermit {
    async fn acquire(&mut self) -> Result<(), QueueTimeout> {
        let semaphore = self.semaphore.clone().ok_or(QueueTimeout)?;
        self.permit = Some(semaphore.acquire_owned().await.map_err(|_| QueueTimeout)?);
        Ok(())
    }
}

impl Drop for KeyPermit {
    fn drop(&mut self) {
        drop(self.permit.take());
        let mut semaphores = lock(&self.semaphores);
        drop(self.semaphore.take());
        // No other reference can be made while the map is locked.
        if semaphores.get(&self.key).is_some_and(|semaphore| Arc::strong_count(semaphore) == 1) {
            semaphores.remove(&self.key);
        }
    }
}

fn lock(semaphores: &Semaphores) -> MutexGuard<'_, HashMap<RateLimitKey, Arc<Semaphore>>> {
    semaphores.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for KeyedSemaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedSemaphore").finish_non_exhaustive()
    }
}

impl fmt::Debug for KeyPermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPermit").field("key", &self.key).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use iam::Email;

    use super::*;

    #[tokio::test]
    async fn attempts_beyond_limit_wait_and_leave_no_semaphore() {
        let semaphore = KeyedSemaphore::default();
        let rate_limiter = RateLimiter::new(&vec![7; 32].into(), Arc::new(semaphore.clone()));
        let email = Email::parse("ada@x.example").unwrap();
        let buckets = rate_limiter.account_buckets("acme", &email, None);
        let mut permits = Vec::new();
        for _ in 0..5 {
            permits.push(semaphore.acquire(&buckets).await.unwrap());
        }
        let acquire = || {
            let (semaphore, buckets) = (semaphore.clone(), buckets.clone());
            tokio::spawn(async move { semaphore.acquire(&buckets).await })
        };
        let (sixth, aborted) = (acquire(), acquire());
        tokio::task::yield_now().await;
        assert!(!sixth.is_finished(), "the sixth waits");
        aborted.abort();
        permits.pop();
        let sixth = sixth.await.unwrap().unwrap();
        assert!(aborted.await.is_err());
        assert_eq!(lock(&semaphore.0).len(), 2);
        drop((permits, sixth));
        assert!(lock(&semaphore.0).is_empty());
    }
}
