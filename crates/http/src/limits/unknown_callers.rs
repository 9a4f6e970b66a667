use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use iam::network;
use kernel::Clock;

use super::rate_counter::{Exceeded, RateCounter};

/// Bounds the requests of callers that turn out to be unknown: with a refresh token or a Meta app that does not exist, or without
/// a key that the operators' paths require. Each costs the database a look-up, or a log line.
///
/// Only these count, by address and in all, so a known caller is not limited for its own requests. Once too many came from an
/// address, all of its requests of these kinds are refused before they cost anything.
pub(crate) struct UnknownCallers {
    per_address: Option<Blockable>,
    in_all: Option<Blockable>,
    clock: Arc<dyn Clock>,
}

/// A counter, and until when the callers of each slot are refused.
struct Blockable {
    counter: RateCounter,
    /// In microseconds since the epoch.
    blocked_until: Box<[AtomicI64]>,
    hasher: RandomState,
}

const WINDOW: Duration = Duration::from_mins(1);
const SLOTS: usize = 65_536;

impl UnknownCallers {
    pub(crate) fn new(per_address: Option<NonZeroU32>, in_all: Option<NonZeroU32>, clock: &Arc<dyn Clock>) -> Self {
        let blockable = |quota: NonZeroU32, slots| Blockable::new(quota, slots, Arc::clone(clock));
        Self {
            per_address: per_address.map(|quota| blockable(quota, SLOTS)),
            in_all: in_all.map(|quota| blockable(quota, 1)),
            clock: Arc::clone(clock),
        }
    }

    /// Whether a request may cost something.
    ///
    /// # Errors
    /// [`Exceeded`].
    pub(crate) fn check(&self, address: Option<IpAddr>) -> Result<(), Exceeded> {
        let (address, now) = (network(address), self.now());
        let per_address = self.per_address.as_ref().map_or(0, |it| it.blocked_until(&address));
        let in_all = self.in_all.as_ref().map_or(0, |it| it.blocked_until(""));
        match u64::try_from(per_address.max(in_all) - now) {
            Ok(micros) if micros > 0 => Err(Exceeded { retry_after: Duration::from_micros(micros) }),
            _ => Ok(()),
        }
    }

    /// Counts a request whose caller was unknown.
    pub(crate) fn count(&self, address: Option<IpAddr>) {
        let now = self.now();
        if let Some(per_address) = &self.per_address {
            per_address.count(&network(address), now);
        }
        if let Some(in_all) = &self.in_all {
            in_all.count("", now);
        }
    }

    fn now(&self) -> i64 {
        self.clock.now().timestamp_micros()
    }
}

impl Blockable {
    fn new(quota: NonZeroU32, slots: usize, clock: Arc<dyn Clock>) -> Self {
        let blocked_until = (0..slots).map(|_| AtomicI64::default()).collect();
        Self { counter: RateCounter::new(quota, WINDOW, clock), blocked_until, hasher: RandomState::new() }
    }

    fn slot(&self, caller: &str) -> &AtomicI64 {
        let slots = self.blocked_until.len() as u64;
        &self.blocked_until[usize::try_from(self.hasher.hash_one(caller) % slots).unwrap_or_default()]
    }

    fn blocked_until(&self, caller: &str) -> i64 {
        self.slot(caller).load(Ordering::Relaxed)
    }

    /// The last request of the quota already blocks further ones.
    fn count(&self, caller: &str, now: i64) {
        let wait = match self.counter.count(&caller) {
            Ok(remaining) if remaining.requests > 0 => return,
            Ok(remaining) => remaining.window / remaining.quota,
            Err(exceeded) => exceeded.retry_after,
        };
        let wait = TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX).num_microseconds().unwrap_or(i64::MAX);
        self.slot(caller).fetch_max(now.saturating_add(wait), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use kernel::{ManualClock, SystemClock};

    use super::*;

    #[test]
    fn unknown_callers_block_their_address_for_a_while() {
        let clock = Arc::new(ManualClock::starting_at(SystemClock::new().now()));
        let dyn_clock: Arc<dyn Clock> = clock.clone();
        let limit = UnknownCallers::new(NonZeroU32::new(3), NonZeroU32::new(5), &dyn_clock);
        let (here, there): (Option<IpAddr>, Option<IpAddr>) =
            (Some([192, 0, 2, 1].into()), Some([192, 0, 2, 2].into()));
        for _ in 0..3 {
            limit.check(here).unwrap();
            limit.count(here);
        }
        assert_eq!(limit.check(here).unwrap_err().seconds(), 20);
        limit.check(there).unwrap();
        clock.advance(TimeDelta::seconds(20));
        limit.check(here).unwrap();
        for _ in 0..4 {
            limit.count(there);
        }
        assert!(limit.check(None).is_err(), "too many from all addresses");
        clock.advance(TimeDelta::seconds(60));
        limit.check(there).unwrap();
    }

    #[test]
    fn without_limits_nobody_is_refused() {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let limit = UnknownCallers::new(None, None, &clock);
        (0..100).for_each(|_| limit.count(None));
        limit.check(None).unwrap();
    }
}
