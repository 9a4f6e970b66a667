use chrono::TimeDelta;

use super::RateLimit;

/// How many tenants and users strangers may create in an hour. Zero: any number.
///
/// Each attempt counts, successful or not: what they create stays, and each costs a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewAccountLimits {
    pub signups_per_address: usize,
    /// Of the whole deployment.
    pub signups: usize,
    pub registrations_per_address: usize,
    /// Of the whole deployment.
    pub registrations: usize,
}

impl NewAccountLimits {
    /// The window of the limits.
    pub const WINDOW: TimeDelta = TimeDelta::hours(1);

    pub(super) const fn limit(attempts: usize) -> Option<RateLimit> {
        if attempts == 0 {
            return None;
        }
        Some(RateLimit { max_failures: attempts, window: Self::WINDOW, max_block: None })
    }
}

impl Default for NewAccountLimits {
    fn default() -> Self {
        Self { signups_per_address: 10, signups: 1_000, registrations_per_address: 10, registrations: 1_000 }
    }
}
