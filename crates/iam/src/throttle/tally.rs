use chrono::{DateTime, TimeDelta, Utc};

/// How often something may be tried, and what happens then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Failures within the window.
    pub tries: usize,
    pub window: TimeDelta,
    /// After so many failures it is blocked for the length of the window, after each further one for twice as long, up to
    /// this. Where there is none, failures just leave the window.
    pub longest_block: Option<TimeDelta>,
}

impl Limit {
    /// One account from one address.
    pub const ACCOUNT: Self =
        Self { tries: 5, window: TimeDelta::minutes(5), longest_block: Some(TimeDelta::minutes(15)) };
    /// Whatever comes from one address: many people may share it.
    pub const ADDRESS: Self = Self { tries: 30, window: TimeDelta::minutes(10), longest_block: None };

    fn block(self, blocks: u32) -> Option<TimeDelta> {
        let longest = self.longest_block?;
        let doubled = 1_i32.checked_shl(blocks).filter(|factor| *factor > 0).and_then(|it| self.window.checked_mul(it));
        Some(doubled.map_or(longest, |block| block.min(longest)))
    }
}

/// The tries of one key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Oldest first.
    pub failures: Vec<DateTime<Utc>>,
    /// Begun, and their end is not known yet; oldest first.
    pub pending: Vec<DateTime<Utc>>,
    /// How many times in a row it was blocked.
    pub blocks: u32,
    pub blocked_until: Option<DateTime<Utc>>,
}

/// What a [`Tally`] says of one more try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Free,
    /// It depends on how those end that are under way.
    Wait,
    /// For so long, at least a second.
    Refuse(TimeDelta),
}

impl Tally {
    /// No try takes longer. Whoever reserved a slot and died has failed.
    const LONGEST_TRY: TimeDelta = TimeDelta::minutes(1);
    /// After a block ended, before the next one is short again.
    const MEMORY: TimeDelta = TimeDelta::minutes(15);

    /// Of a first try that began then.
    #[must_use]
    pub fn begun_at(now: DateTime<Utc>) -> Self {
        Self { pending: vec![now], ..Self::default() }
    }

    /// Whether one more may try now.
    pub fn verdict(&mut self, limit: Limit, now: DateTime<Utc>) -> Verdict {
        self.forget(limit, now);
        let refuse = |until: DateTime<Utc>| Verdict::Refuse((until - now).max(TimeDelta::seconds(1)));
        if let Some(until) = self.blocked_until.filter(|until| now < *until) {
            return refuse(until);
        }
        // After a block one try at a time is free: the next failure blocks again.
        let (tries, failures) = if self.blocks > 0 { (1, 0) } else { (limit.tries, self.failures.len()) };
        match self.failures.first() {
            Some(oldest) if failures >= tries => refuse(*oldest + limit.window),
            _ if failures + self.pending.len() >= tries => Verdict::Wait,
            _ => Verdict::Free,
        }
    }

    /// Takes a slot, after [`Self::verdict`] said that there is one.
    pub fn reserve(&mut self, now: DateTime<Utc>) {
        self.pending.push(now);
    }

    /// The try that began then turned out to be none.
    pub fn give_back(&mut self, reserved_at: DateTime<Utc>) {
        // One that took too long became a failure meanwhile.
        if !remove(&mut self.pending, reserved_at) {
            remove(&mut self.failures, reserved_at);
        }
    }

    /// The try that began then failed.
    pub fn fail(&mut self, limit: Limit, reserved_at: DateTime<Utc>, now: DateTime<Utc>) {
        if remove(&mut self.pending, reserved_at) {
            self.count(limit, now);
        }
    }

    /// Whoever tries knows the password: what failed before does not matter.
    pub fn clear(&mut self) {
        *self = Self { pending: std::mem::take(&mut self.pending), ..Self::default() };
    }

    /// From then on it says nothing any more.
    #[must_use]
    pub fn expires_at(&self, limit: Limit) -> Option<DateTime<Utc>> {
        let failed = self.failures.last().map(|last| *last + limit.window);
        // It becomes a failure first.
        let tried = self.pending.last().map(|last| *last + Self::LONGEST_TRY + limit.window);
        let blocked = self.blocked_until.map(|until| until + Self::MEMORY);
        [failed, tried, blocked].into_iter().flatten().max()
    }

    fn forget(&mut self, limit: Limit, now: DateTime<Utc>) {
        let (overdue, pending) = self.pending.iter().partition(|at| now >= **at + Self::LONGEST_TRY);
        self.pending = pending;
        let overdue: Vec<DateTime<Utc>> = overdue;
        for at in overdue {
            self.count(limit, at);
        }
        if self.blocked_until.is_some_and(|until| now >= until + Self::MEMORY) {
            self.blocks = 0;
            self.blocked_until = None;
        }
        self.failures.retain(|at| now < *at + limit.window);
    }

    fn count(&mut self, limit: Limit, at: DateTime<Utc>) {
        self.failures.push(at);
        self.failures.sort_unstable();
        self.failures.retain(|failed| at < *failed + limit.window);
        let exhausted = self.blocks > 0 || self.failures.len() >= limit.tries;
        if let Some(block) = limit.block(self.blocks).filter(|_| exhausted) {
            self.blocks += 1;
            self.blocked_until = self.blocked_until.max(Some(at + block));
        }
        // More than the limit say nothing.
        let surplus = self.failures.len().saturating_sub(limit.tries);
        self.failures.drain(..surplus);
    }
}

/// Equal times are of equal tries: it does not matter which one goes.
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

    fn fail_at(tally: &mut Tally, limit: Limit, seconds: i64) {
        assert_eq!(tally.verdict(limit, at(seconds)), Verdict::Free, "at {seconds} s");
        tally.reserve(at(seconds));
        tally.fail(limit, at(seconds), at(seconds));
    }

    fn refused_for(tally: &mut Tally, limit: Limit, seconds: i64) -> i64 {
        match tally.verdict(limit, at(seconds)) {
            Verdict::Refuse(wait) => wait.num_seconds(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn five_tries_then_longer_and_longer_up_to_a_quarter_of_an_hour() {
        let mut tally = Tally::default();
        for second in 0..5 {
            fail_at(&mut tally, Limit::ACCOUNT, second);
        }
        assert_eq!(refused_for(&mut tally, Limit::ACCOUNT, 4), 300);
        assert_eq!(refused_for(&mut tally, Limit::ACCOUNT, 303), 1);
        fail_at(&mut tally, Limit::ACCOUNT, 304);
        assert_eq!(refused_for(&mut tally, Limit::ACCOUNT, 304), 600);
        fail_at(&mut tally, Limit::ACCOUNT, 904);
        assert_eq!(refused_for(&mut tally, Limit::ACCOUNT, 904), 900);
        fail_at(&mut tally, Limit::ACCOUNT, 1_804);
        assert_eq!(refused_for(&mut tally, Limit::ACCOUNT, 1_804), 900);
        // A good while after the last block it starts over.
        for second in 3_604..3_609 {
            fail_at(&mut tally, Limit::ACCOUNT, second);
        }
        assert_eq!(refused_for(&mut tally, Limit::ACCOUNT, 3_608), 300);
    }

    #[test]
    fn an_address_may_fail_thirty_times_in_any_ten_minutes() {
        let mut tally = Tally::default();
        for second in 0..30 {
            fail_at(&mut tally, Limit::ADDRESS, second * 10);
        }
        assert_eq!(refused_for(&mut tally, Limit::ADDRESS, 290), 310);
        fail_at(&mut tally, Limit::ADDRESS, 600);
        assert_eq!(refused_for(&mut tally, Limit::ADDRESS, 600), 10);
        assert_eq!((tally.blocks, tally.failures.len()), (0, 30));
    }

    #[test]
    fn whoever_finds_all_slots_taken_waits_for_how_those_end() {
        let mut tally = Tally::default();
        for _ in 0..5 {
            assert_eq!(tally.verdict(Limit::ACCOUNT, START), Verdict::Free);
            tally.reserve(START);
        }
        assert_eq!(tally.verdict(Limit::ACCOUNT, START), Verdict::Wait);
        tally.give_back(START);
        assert_eq!(tally.verdict(Limit::ACCOUNT, START), Verdict::Free);
        for _ in 0..4 {
            tally.fail(Limit::ACCOUNT, START, at(1));
        }
        fail_at(&mut tally, Limit::ACCOUNT, 1);
        assert_eq!(refused_for(&mut tally, Limit::ACCOUNT, 1), 300);
    }

    #[test]
    fn after_a_block_one_tries_at_a_time() {
        let mut tally = Tally::default();
        for second in 0..5 {
            fail_at(&mut tally, Limit::ACCOUNT, second);
        }
        assert_eq!(tally.verdict(Limit::ACCOUNT, at(400)), Verdict::Free);
        tally.reserve(at(400));
        assert_eq!(tally.verdict(Limit::ACCOUNT, at(400)), Verdict::Wait);
        tally.give_back(at(400));
        tally.clear();
        assert_eq!(tally, Tally::default());
    }

    #[test]
    fn whoever_died_with_a_slot_has_failed() {
        let mut tally = Tally::default();
        (0..5).for_each(|_| tally.reserve(START));
        assert_eq!(tally.verdict(Limit::ACCOUNT, at(59)), Verdict::Wait);
        assert_eq!(refused_for(&mut tally, Limit::ACCOUNT, 60), 240);
        // One that was only slow gives its slot back all the same.
        tally.give_back(START);
        assert_eq!((tally.failures.len(), tally.pending.len()), (4, 0));
        tally.fail(Limit::ACCOUNT, START, at(60));
        assert_eq!(tally.failures.len(), 4, "a failure is counted once");
    }

    #[test]
    fn it_lasts_as_long_as_it_says_something() {
        let mut tally = Tally::default();
        assert_eq!(tally.expires_at(Limit::ACCOUNT), None);
        tally.reserve(START);
        assert_eq!(tally.expires_at(Limit::ACCOUNT), Some(at(360)));
        tally.give_back(START);
        for second in 0..5 {
            fail_at(&mut tally, Limit::ACCOUNT, second);
        }
        assert_eq!(tally.expires_at(Limit::ACCOUNT), Some(at(4 + 300 + 900)));
    }
}
