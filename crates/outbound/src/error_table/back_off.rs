use std::time::Duration;

/// Waits that grow with each refusal in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackOff {
    seconds: &'static [u32],
    /// Whether Meta's own word counts instead, where it gives one.
    uses_retry_after: bool,
}

/// Whatever Meta says, a day later it is asked again.
const MAX_WAIT: Duration = Duration::from_hours(24);

impl BackOff {
    /// All calls of a Meta app or a business account.
    pub const APP: Self = Self { seconds: &[1, 4, 16, 64], uses_retry_after: true };
    /// The throughput of a number.
    pub const NUMBER: Self = Self { seconds: &[1, 2, 4, 8, 16, 32, 60], uses_retry_after: true };
    /// A number and one customer: Meta asks for 4^n seconds.
    pub const PAIR: Self = Self { seconds: &[1, 4, 16, 64, 256], uses_retry_after: false };
    /// Meta raises the throughput of a number, which takes up to a minute.
    pub const MAINTENANCE: Self = Self { seconds: &[60], uses_retry_after: false };
    /// A form that has reached its 10 messages an hour.
    pub const FLOW: Self = Self { seconds: &[360, 1_800, 3_600], uses_retry_after: false };
    pub const SIX_HOURS: Self = Self { seconds: &[6 * 3_600], uses_retry_after: false };
    pub const DAY: Self = Self { seconds: &[24 * 3_600], uses_retry_after: false };

    /// How long to wait after this many earlier refusals in a row, without jitter.
    #[must_use]
    pub fn wait(self, earlier: u32, retry_after: Option<Duration>) -> Duration {
        if self.uses_retry_after
            && let Some(wait) = retry_after
        {
            return wait.min(MAX_WAIT);
        }
        let step = usize::try_from(earlier).unwrap_or(usize::MAX).min(self.seconds.len().saturating_sub(1));
        Duration::from_secs(self.seconds.get(step).copied().unwrap_or(60).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_their_last_step() {
        let waits = |ladder: BackOff| -> Vec<u64> { (0..7).map(|n| ladder.wait(n, None).as_secs()).collect() };
        assert_eq!(waits(BackOff::APP), [1, 4, 16, 64, 64, 64, 64]);
        assert_eq!(waits(BackOff::PAIR), [1, 4, 16, 64, 256, 256, 256]);
        assert_eq!(waits(BackOff::NUMBER), [1, 2, 4, 8, 16, 32, 60]);
        assert_eq!(BackOff::MAINTENANCE.wait(u32::MAX, None).as_secs(), 60);
    }

    #[test]
    fn word_of_meta_counts_where_it_is_meant() {
        let minute = Some(Duration::from_mins(1));
        assert_eq!(BackOff::APP.wait(0, minute).as_secs(), 60);
        assert_eq!(BackOff::PAIR.wait(0, minute).as_secs(), 1);
        assert_eq!(BackOff::APP.wait(0, Some(Duration::from_secs(u64::MAX))), MAX_WAIT);
    }
}
