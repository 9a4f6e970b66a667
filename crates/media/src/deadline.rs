use chrono::{DateTime, TimeDelta, Utc};

/// How long Meta keeps a received file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime;

impl Lifetime {
    /// Since 2025-10-09 the id of a received file is valid for seven days.
    pub const AT_META: TimeDelta = TimeDelta::days(7);
    /// Files that have waited longer are fetched before all others; the others newest first.
    pub const URGENT_AFTER: TimeDelta = TimeDelta::days(5);

    /// Until when a file of a message of that time can be fetched.
    #[must_use]
    pub fn ends_at(sent_at: DateTime<Utc>) -> DateTime<Utc> {
        sent_at + Self::AT_META
    }
}

/// When to try again after so many failed attempts: 30 seconds, 2 minutes, 8 minutes, 32 minutes, then every two hours; at the file's
/// deadline at the latest, which ends the trying.
#[must_use]
pub fn next_attempt(now: DateTime<Utc>, failures: i32, deadline: DateTime<Utc>) -> DateTime<Utc> {
    let exponent = u32::try_from(failures.clamp(1, 5) - 1).unwrap_or_default();
    let delay = TimeDelta::seconds(30 * i64::from(4_u32.pow(exponent))).min(TimeDelta::hours(2));
    (now + delay).min(deadline.max(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_become_rarer_until_the_deadline() {
        let now = DateTime::UNIX_EPOCH;
        let deadline = Lifetime::ends_at(now);
        let delays: Vec<i64> = (0..8).map(|n| (next_attempt(now, n, deadline) - now).num_seconds()).collect();
        assert_eq!(delays, [30, 30, 120, 480, 1_920, 7_200, 7_200, 7_200]);
        let near = deadline - TimeDelta::minutes(1);
        assert_eq!(next_attempt(near, 9, deadline), deadline);
        assert_eq!(next_attempt(deadline + TimeDelta::hours(1), 9, deadline), deadline + TimeDelta::hours(1));
    }
}
