use std::hash::{BuildHasher as _, Hash, RandomState};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::Clock as GovernorClock;
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed, StateStore};
use governor::{Quota, RateLimiter};
use kernel::Clock;

/// Counts the requests of callers in this process's memory.
///
/// The memory is fixed: a caller's count is in one of [`SLOTS`] slots, chosen by a hash whose key is secret. Callers that
/// share a slot by chance share its quota.
pub(crate) struct RateCounter {
    limiter: RateLimiter<u64, Slots, ProcessClock, StateInformationMiddleware>,
    clock: ProcessClock,
    hasher: RandomState,
    quota: NonZeroU32,
    window: Duration,
}

/// 8 bytes each.
const SLOTS: usize = 65_536;

/// What is left of a caller's quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Remaining {
    pub(crate) quota: u32,
    pub(crate) window: Duration,
    pub(crate) requests: u32,
}

/// The quota is used up, for this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exceeded {
    pub(crate) retry_after: Duration,
}

impl RateCounter {
    pub(crate) fn new(quota: NonZeroU32, window: Duration, clock: Arc<dyn Clock>) -> Self {
        let clock = ProcessClock(clock);
        // `None` only for a window of no length.
        let rate = Quota::with_period(window / quota.get()).unwrap_or(Quota::per_second(quota)).allow_burst(quota);
        let limiter = RateLimiter::new(rate, Slots::new(), clock.clone());
        Self { limiter, clock, hasher: RandomState::new(), quota, window }
    }

    /// Counts a request.
    ///
    /// # Errors
    /// [`Exceeded`]; the request is not counted then.
    pub(crate) fn count(&self, caller: &impl Hash) -> Result<Remaining, Exceeded> {
        match self.limiter.check_key(&self.hasher.hash_one(caller)) {
            Ok(state) => Ok(Remaining {
                quota: self.quota.get(),
                window: self.window,
                requests: state.remaining_burst_capacity(),
            }),
            Err(refusal) => Err(Exceeded { retry_after: refusal.wait_time_from(self.clock.now()) }),
        }
    }
}

impl Remaining {
    /// Until the whole quota is available again.
    pub(crate) fn restored_after(&self) -> Duration {
        self.window.mul_f64(f64::from(self.quota - self.requests) / f64::from(self.quota))
    }
}

impl Exceeded {
    /// Whole seconds, rounded up: a retry on time is not refused again.
    pub(crate) fn seconds(self) -> u64 {
        (self.retry_after.as_secs() + u64::from(self.retry_after.subsec_nanos() > 0)).max(1)
    }
}

/// The state of each slot.
struct Slots(Box<[InMemoryState]>);

impl Slots {
    fn new() -> Self {
        Self((0..SLOTS).map(|_| InMemoryState::default()).collect())
    }
}

impl StateStore for Slots {
    type Key = u64;

    fn measure_and_replace<T, F, E>(&self, key: &u64, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let slot = usize::try_from(*key % SLOTS as u64).unwrap_or_default();
        self.0[slot].measure_and_replace(&NotKeyed::NonKey, decide)
    }
}

/// The process's clock, in nanoseconds since the epoch.
#[derive(Clone)]
struct ProcessClock(Arc<dyn Clock>);

impl GovernorClock for ProcessClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::from(u64::try_from(self.0.now().timestamp_nanos_opt().unwrap_or_default()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use kernel::{ManualClock, SystemClock};

    use super::*;

    fn counter(quota: u32) -> (RateCounter, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::starting_at(SystemClock::new().now()));
        let quota = NonZeroU32::new(quota).unwrap();
        (RateCounter::new(quota, Duration::from_mins(1), clock.clone()), clock)
    }

    #[test]
    fn quota_is_each_callers_own_and_comes_back() {
        let (counter, clock) = counter(3);
        let left: Vec<u32> = (0..3).map(|_| counter.count(&"ada").unwrap().requests).collect();
        assert_eq!(left, [2, 1, 0]);
        assert_eq!(counter.count(&"ada").unwrap_err().seconds(), 20);
        assert_eq!(counter.count(&"bob").unwrap().requests, 2);
        clock.advance(TimeDelta::seconds(20));
        let remaining = counter.count(&"ada").unwrap();
        assert_eq!((remaining.requests, remaining.restored_after()), (0, Duration::from_mins(1)));
        assert!(counter.count(&"ada").is_err());
    }
}
