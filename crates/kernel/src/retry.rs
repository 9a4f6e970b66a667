use chrono::TimeDelta;

/// The delays between attempts of work that failed: exponential, with jitter, so that what failed together is not retried together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    pub first_delay: TimeDelta,
    pub factor: i32,
    /// Failures before the work is a dead letter.
    pub max_attempts: i32,
}

impl Default for RetryPolicy {
    /// 5 s, 20 s, 80 s, 320 s, 1280 s, 5120 s; the seventh failure is the last: 1 h 54 min in all.
    fn default() -> Self {
        Self { first_delay: TimeDelta::seconds(5), factor: 4, max_attempts: 7 }
    }
}

impl RetryPolicy {
    /// The largest jitter, in percent of the delay.
    const JITTER_PERCENT: i32 = 10;

    /// The delay after the given number of failures; `None` when the work becomes a dead letter. `jitter` is a random byte.
    #[must_use]
    pub fn delay_after(&self, failures: i32, jitter: u8) -> Option<TimeDelta> {
        if failures >= self.max_attempts {
            return None;
        }
        let exponent = u32::try_from(failures - 1).unwrap_or_default();
        let delay = self.first_delay.checked_mul(self.factor.saturating_pow(exponent))?;
        let share = Self::JITTER_PERCENT * i32::from(jitter) / i32::from(u8::MAX);
        Some(delay + delay * share / 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_until_the_last_attempt() {
        let policy = RetryPolicy::default();
        let delays: Vec<i64> = (1..=6).map(|n| policy.delay_after(n, 0).unwrap().num_seconds()).collect();
        assert_eq!(delays, [5, 20, 80, 320, 1_280, 5_120]);
        assert_eq!(policy.delay_after(7, 0), None);
        assert_eq!(policy.delay_after(1, u8::MAX), Some(TimeDelta::milliseconds(5_500)));
    }
}
