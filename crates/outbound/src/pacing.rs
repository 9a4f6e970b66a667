use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::num::NonZeroU32;
use std::time::Duration;

/// How long a span of time is in which a number may send its throughput: a little more than a second, as calls that left apart
/// may arrive closer together.
const WINDOW: Duration = Duration::from_millis(1_020);

/// Spreads the calls of one number evenly, so that no second has more than its throughput (a rule of Meta's: 80 a second, 20 where
/// the number is also used in the app on a phone). Times are durations since any fixed moment of a monotonic clock.
#[derive(Debug)]
pub struct NumberPacer {
    throughput: NonZeroU32,
    next: Duration,
    /// Departures within the last window.
    left: VecDeque<Duration>,
}

impl NumberPacer {
    /// The first call leaves at `from` at the earliest: a window after another sender may have called.
    #[must_use]
    pub const fn new(throughput: NonZeroU32, from: Duration) -> Self {
        Self { throughput, next: from, left: VecDeque::new() }
    }

    /// The next call leaves a gap of the new throughput after the last one.
    pub fn set_throughput(&mut self, throughput: NonZeroU32) {
        if self.throughput != throughput {
            self.throughput = throughput;
            self.next = self.left.back().map_or(self.next, |last| *last + WINDOW / throughput.get());
        }
    }

    /// The time at which the next call may leave.
    #[must_use]
    pub fn next(&self, now: Duration) -> Duration {
        let limit = usize::try_from(self.throughput.get()).unwrap_or(usize::MAX);
        let freed = self.left.iter().rev().nth(limit - 1).map_or(Duration::ZERO, |time| *time + WINDOW);
        self.next.max(now).max(freed)
    }

    /// The times at which the next calls may leave, before `until`; at most `max`.
    pub fn take(&mut self, now: Duration, until: Duration, max: usize) -> Vec<Duration> {
        while self.left.front().is_some_and(|time| *time + WINDOW <= now) {
            self.left.pop_front();
        }
        let mut departures = Vec::new();
        while departures.len() < max {
            let at = self.next(now);
            if at >= until {
                break;
            }
            self.next = at + WINDOW / self.throughput.get();
            self.left.push_back(at);
            departures.push(at);
        }
        departures
    }

    /// Gives back departures that were not used, the last ones taken.
    pub fn give_back(&mut self, unused: usize) {
        for _ in 0..unused {
            if let Some(at) = self.left.pop_back() {
                self.next = at;
            }
        }
    }
}

/// One message in six seconds to one customer, with a burst of 45 (a rule of Meta's): a generic cell rate algorithm.
#[derive(Debug)]
pub struct PairPacer<K> {
    /// When each pair will have paid for all that left.
    paid_at: HashMap<K, Duration>,
}

const PAIR_INTERVAL: Duration = Duration::from_secs(6);
const PAIR_BURST: u32 = 45;

impl<K> Default for PairPacer<K> {
    fn default() -> Self {
        Self { paid_at: HashMap::new() }
    }
}

impl<K: Eq + Hash> PairPacer<K> {
    /// Lets a message to the pair leave now, or says how long it must wait.
    ///
    /// # Errors
    /// The time to wait.
    pub fn take(&mut self, pair: K, now: Duration) -> Result<(), Duration> {
        let paid_at = self.paid_at.get(&pair).copied().unwrap_or(now).max(now);
        let debt = paid_at.saturating_sub(now);
        let allowed = PAIR_INTERVAL * (PAIR_BURST - 1);
        if debt > allowed {
            return Err(debt.saturating_sub(allowed));
        }
        self.paid_at.insert(pair, paid_at + PAIR_INTERVAL);
        Ok(())
    }

    /// Forgets pairs that owe nothing.
    pub fn forget_paid(&mut self, now: Duration) {
        self.paid_at.retain(|_, paid_at| *paid_at > now);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pacer(throughput: u32) -> NumberPacer {
        NumberPacer::new(NonZeroU32::new(throughput).unwrap(), Duration::ZERO)
    }

    proptest! {
        #[test]
        fn no_second_has_more_than_the_throughput(throughput in 1_u32..100, steps in prop::collection::vec((0_u64..400, 1_usize..50), 1..60)) {
            let mut pacer = pacer(throughput);
            let (mut now, mut all) = (Duration::ZERO, Vec::new());
            for (step, max) in steps {
                now += Duration::from_millis(step);
                all.extend(pacer.take(now, now + Duration::from_millis(50), max));
            }
            prop_assert!(all.is_sorted());
            for (index, start) in all.iter().enumerate() {
                let within = all[index..].iter().take_while(|time| **time < *start + Duration::from_secs(1)).count();
                prop_assert!(within <= throughput as usize);
            }
        }
    }

    #[test]
    fn steady_work_uses_the_throughput() {
        let mut pacer = pacer(80);
        let mut count = 0;
        for step in 0..400_u64 {
            let now = Duration::from_millis(step * 25);
            count += pacer.take(now, now + Duration::from_millis(25), 1_000).len();
        }
        assert!((780..=800).contains(&count), "{count} in 10 s");
    }

    #[test]
    fn lone_message_leaves_at_once() {
        let mut pacer = pacer(1);
        let now = Duration::from_secs(5);
        assert_eq!(pacer.take(now, now + Duration::from_millis(1), 9), [now]);
        assert_eq!(pacer.take(now, now + Duration::from_millis(900), 9), []);
    }

    #[test]
    fn new_throughput_counts_at_once() {
        let mut pacer = pacer(1);
        assert_eq!(pacer.take(Duration::ZERO, Duration::from_millis(25), 9), [Duration::ZERO]);
        pacer.set_throughput(NonZeroU32::new(102).unwrap());
        assert_eq!(pacer.next(Duration::ZERO), Duration::from_millis(10));
    }

    #[test]
    fn unused_departure_is_given_back() {
        let mut pacer = pacer(10);
        let until = Duration::from_secs(1);
        let taken = pacer.take(Duration::ZERO, until, 3);
        pacer.give_back(2);
        assert_eq!(pacer.take(Duration::ZERO, until, 2), taken[1..]);
    }

    #[test]
    fn pair_has_a_burst_then_waits() {
        let mut pairs = PairPacer::default();
        for _ in 0..45 {
            assert_eq!(pairs.take(1, Duration::ZERO), Ok(()));
        }
        assert_eq!(pairs.take(1, Duration::ZERO), Err(Duration::from_secs(6)));
        assert_eq!(pairs.take(2, Duration::ZERO), Ok(()));
        assert_eq!(pairs.take(1, Duration::from_secs(6)), Ok(()));
        pairs.forget_paid(Duration::from_hours(1));
        assert!(pairs.paid_at.is_empty());
    }
}
