use chrono::{DateTime, TimeDelta, Utc};

/// How many attempts may fail, and for how long further ones are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Failures within the window.
    pub max_failures: usize,
    pub window: TimeDelta,
    /// If set, reaching `max_failures` blocks the key for one window, and each further failure for twice as long as the last
    /// one, up to this. If not, failures only leave the window.
    pub max_block: Option<TimeDelta>,
}

impl RateLimit {
    /// One account from one address.
    pub const ACCOUNT: Self =
        Self { max_failures: 5, window: TimeDelta::minutes(5), max_block: Some(TimeDelta::minutes(15)) };
    /// All attempts from one address, which many users may share.
    pub const ADDRESS: Self = Self { max_failures: 30, window: TimeDelta::minutes(10), max_block: None };

    /// One account from all addresses. 1,200 guesses a day, far fewer than the weakest allowed password takes.
    pub const ACCOUNT_AT_ALL_ADDRESSES: Self = Self { max_failures: 50, window: TimeDelta::hours(1), max_block: None };

    fn block(self, blocks: u32) -> Option<TimeDelta> {
        let longest = self.max_block?;
        let doubled = 1_i32.checked_shl(blocks).filter(|factor| *factor > 0).and_then(|it| self.window.checked_mul(it));
        Some(doubled.map_or(longest, |block| block.min(longest)))
    }
}

/// The attempts on one key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttemptCounter {
    /// Oldest first.
    pub failures: Vec<DateTime<Utc>>,
    /// Start times of attempts whose outcome is not known yet; oldest first.
    pub pending: Vec<DateTime<Utc>>,
    /// How many times in a row the key was blocked.
    pub blocks: u32,
    pub blocked_until: Option<DateTime<Utc>>,
}

/// Whether one more attempt may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateLimitDecision {
    Allowed,
    /// Depends on the outcome of pending attempts.
    Wait,
    /// For this time, at least a second.
    Refused(TimeDelta),
}

impl AttemptCounter {
    /// No attempt takes longer. A slot that was reserved and not released within this time counts as a failure.
    const MAX_ATTEMPT: TimeDelta = TimeDelta::minutes(1);
    /// For this time after a block has ended, the next block is longer than the last.
    const BLOCK_MEMORY: TimeDelta = TimeDelta::minutes(15);

    /// A counter with one pending attempt.
    #[must_use]
    pub fn with_pending(now: DateTime<Utc>) -> Self {
        Self { pending: vec![now], ..Self::default() }
    }

    /// Whether one more attempt may be made now.
    pub fn decide(&mut self, limit: RateLimit, now: DateTime<Utc>) -> RateLimitDecision {
        self.forget(limit, now);
        let refuse = |until: DateTime<Utc>| RateLimitDecision::Refused((until - now).max(TimeDelta::seconds(1)));
        if let Some(until) = self.blocked_until.filter(|until| now < *until) {
            return refuse(until);
        }
        // After a block, one attempt at a time is allowed: the next failure blocks again.
        let (attempts, failures) = if self.blocks > 0 { (1, 0) } else { (limit.max_failures, self.failures.len()) };
        match self.failures.first() {
            Some(oldest) if failures >= attempts => refuse(*oldest + limit.window),
            _ if failures + self.pending.len() >= attempts => RateLimitDecision::Wait,
            _ => RateLimitDecision::Allowed,
        }
    }

    /// Reserves a slot, after [`Self::decide`] answered [`RateLimitDecision::Allowed`].
    pub fn reserve(&mut self, now: DateTime<Utc>) {
        self.pending.push(now);
    }

    /// Releases the slot of an attempt that did not fail.
    pub fn release(&mut self, reserved_at: DateTime<Utc>) {
        // An attempt that took too long has become a failure meanwhile.
        if !remove(&mut self.pending, reserved_at) {
            remove(&mut self.failures, reserved_at);
        }
    }

    /// Turns the slot that was reserved then into a failure.
    pub fn record_failure(&mut self, limit: RateLimit, reserved_at: DateTime<Utc>, now: DateTime<Utc>) {
        if remove(&mut self.pending, reserved_at) {
            self.count(limit, now);
        }
    }

    /// Counts an attempt for good, after [`Self::decide`] answered [`RateLimitDecision::Allowed`]: its outcome does not matter.
    pub fn count_attempt(&mut self, limit: RateLimit, now: DateTime<Utc>) {
        self.count(limit, now);
    }

    /// Forgets failures and blocks, after a correct password. Pending attempts stay.
    pub fn reset(&mut self) {
        *self = Self { pending: std::mem::take(&mut self.pending), ..Self::default() };
    }

    /// When the counter can be deleted; `None` if it is empty.
    #[must_use]
    pub fn expires_at(&self, limit: RateLimit) -> Option<DateTime<Utc>> {
        let failed = self.failures.last().map(|last| *last + limit.window);
        // A pending attempt becomes a failure first.
        let tried = self.pending.last().map(|last| *last + Self::MAX_ATTEMPT + limit.window);
        let blocked = self.blocked_until.map(|until| until + Self::BLOCK_MEMORY);
        [failed, tried, blocked].into_iter().flatten().max()
    }

    fn forget(&mut self, limit: RateLimit, now: DateTime<Utc>) {
        let (overdue, pending) = self.pending.iter().partition(|at| now >= **at + Self::MAX_ATTEMPT);
        self.pending = pending;
        let overdue: Vec<DateTime<Utc>> = overdue;
        for at in overdue {
            self.count(limit, at);
        }
        if self.blocked_until.is_some_and(|until| now >= until + Self::BLOCK_MEMORY) {
            self.blocks = 0;
            self.blocked_until = None;
        }
        self.failures.retain(|at| now < *at + limit.window);
    }

    fn count(&mut self, limit: RateLimit, at: DateTime<Utc>) {
        self.failures.push(at);
        self.failures.sort_unstable();
        self.failures.retain(|failed| at < *failed + limit.window);
        let exhausted = self.blocks > 0 || self.failures.len() >= limit.max_failures;
        if let Some(block) = limit.block(self.blocks).filter(|_| exhausted) {
            self.blocks += 1;
            self.blocked_until = self.blocked_until.max(Some(at + block));
        }
        // Failures beyond the limit have no effect.
        let surplus = self.failures.len().saturating_sub(limit.max_failures);
        self.failures.drain(..surplus);
    }
}

/// Attempts that began at the same time are interchangeable.
fn remove(times: &mut Vec<DateTime<Utc>>, time: DateTime<Utc>) -> bool {
    let found = times.iter().position(|at| *at == time);
    found.map(|index| times.remove(index)).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn at(seconds: i64) -> DateTime<Utc> {
        START + TimeDelta::seconds(seconds)
    }

    fn fail_at(counter: &mut AttemptCounter, limit: RateLimit, seconds: i64) {
        assert_eq!(counter.decide(limit, at(seconds)), RateLimitDecision::Allowed, "at {seconds} s");
        counter.reserve(at(seconds));
        counter.record_failure(limit, at(seconds), at(seconds));
    }

    fn refused_for(counter: &mut AttemptCounter, limit: RateLimit, seconds: i64) -> i64 {
        match counter.decide(limit, at(seconds)) {
            RateLimitDecision::Refused(wait) => wait.num_seconds(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn account_blocks_double_up_to_fifteen_minutes() {
        let mut counter = AttemptCounter::default();
        for second in 0..5 {
            fail_at(&mut counter, RateLimit::ACCOUNT, second);
        }
        assert_eq!(refused_for(&mut counter, RateLimit::ACCOUNT, 4), 300);
        assert_eq!(refused_for(&mut counter, RateLimit::ACCOUNT, 303), 1);
        fail_at(&mut counter, RateLimit::ACCOUNT, 304);
        assert_eq!(refused_for(&mut counter, RateLimit::ACCOUNT, 304), 600);
        fail_at(&mut counter, RateLimit::ACCOUNT, 904);
        assert_eq!(refused_for(&mut counter, RateLimit::ACCOUNT, 904), 900);
        fail_at(&mut counter, RateLimit::ACCOUNT, 1_804);
        assert_eq!(refused_for(&mut counter, RateLimit::ACCOUNT, 1_804), 900);
        // Some time after the last block the counter starts over.
        for second in 3_604..3_609 {
            fail_at(&mut counter, RateLimit::ACCOUNT, second);
        }
        assert_eq!(refused_for(&mut counter, RateLimit::ACCOUNT, 3_608), 300);
    }

    #[test]
    fn address_allows_thirty_failures_in_ten_minutes() {
        let mut counter = AttemptCounter::default();
        for second in 0..30 {
            fail_at(&mut counter, RateLimit::ADDRESS, second * 10);
        }
        assert_eq!(refused_for(&mut counter, RateLimit::ADDRESS, 290), 310);
        fail_at(&mut counter, RateLimit::ADDRESS, 600);
        assert_eq!(refused_for(&mut counter, RateLimit::ADDRESS, 600), 10);
        assert_eq!((counter.blocks, counter.failures.len()), (0, 30));
    }

    #[test]
    fn attempt_waits_while_all_slots_are_pending() {
        let mut counter = AttemptCounter::default();
        for _ in 0..5 {
            assert_eq!(counter.decide(RateLimit::ACCOUNT, START), RateLimitDecision::Allowed);
            counter.reserve(START);
        }
        assert_eq!(counter.decide(RateLimit::ACCOUNT, START), RateLimitDecision::Wait);
        counter.release(START);
        assert_eq!(counter.decide(RateLimit::ACCOUNT, START), RateLimitDecision::Allowed);
        for _ in 0..4 {
            counter.record_failure(RateLimit::ACCOUNT, START, at(1));
        }
        fail_at(&mut counter, RateLimit::ACCOUNT, 1);
        assert_eq!(refused_for(&mut counter, RateLimit::ACCOUNT, 1), 300);
    }

    #[test]
    fn after_block_one_attempt_at_a_time_is_allowed() {
        let mut counter = AttemptCounter::default();
        for second in 0..5 {
            fail_at(&mut counter, RateLimit::ACCOUNT, second);
        }
        assert_eq!(counter.decide(RateLimit::ACCOUNT, at(400)), RateLimitDecision::Allowed);
        counter.reserve(at(400));
        assert_eq!(counter.decide(RateLimit::ACCOUNT, at(400)), RateLimitDecision::Wait);
        counter.release(at(400));
        counter.reset();
        assert_eq!(counter, AttemptCounter::default());
    }

    #[test]
    fn abandoned_slot_counts_as_failure() {
        let mut counter = AttemptCounter::default();
        (0..5).for_each(|_| counter.reserve(START));
        assert_eq!(counter.decide(RateLimit::ACCOUNT, at(59)), RateLimitDecision::Wait);
        assert_eq!(refused_for(&mut counter, RateLimit::ACCOUNT, 60), 240);
        // An attempt that was only slow still releases its slot.
        counter.release(START);
        assert_eq!((counter.failures.len(), counter.pending.len()), (4, 0));
        counter.record_failure(RateLimit::ACCOUNT, START, at(60));
        assert_eq!(counter.failures.len(), 4, "a failure is counted once");
    }

    #[test]
    fn counter_expires_with_its_last_effect() {
        let mut counter = AttemptCounter::default();
        assert_eq!(counter.expires_at(RateLimit::ACCOUNT), None);
        counter.reserve(START);
        assert_eq!(counter.expires_at(RateLimit::ACCOUNT), Some(at(360)));
        counter.release(START);
        for second in 0..5 {
            fail_at(&mut counter, RateLimit::ACCOUNT, second);
        }
        assert_eq!(counter.expires_at(RateLimit::ACCOUNT), Some(at(4 + 300 + 900)));
    }
}
