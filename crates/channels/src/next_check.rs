use chrono::{DateTime, TimeDelta, Utc};
use kernel::ids::AccountId;

/// When an account that was checked now is checked again: about a day later. Up to two hours of it depend on the account, so that
/// checks that were made at the same time spread over the day.
#[must_use]
pub fn next_check(account: AccountId, now: DateTime<Utc>) -> DateTime<Utc> {
    let spread = i64::try_from(account.as_uuid().as_u128() % 7_200).unwrap_or_default();
    now + TimeDelta::hours(23) + TimeDelta::seconds(spread)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use kernel::ManualClock;

    use super::*;

    #[test]
    fn checks_are_daily_and_spread() {
        let now = DateTime::UNIX_EPOCH;
        let clock = ManualClock::starting_at(now);
        let due: HashSet<DateTime<Utc>> = (0..100).map(|_| next_check(AccountId::new(&clock), now)).collect();
        assert!(due.len() > 50, "{due:?}");
        let day = TimeDelta::hours(23)..TimeDelta::hours(25);
        assert!(due.iter().all(|due| day.contains(&(*due - now))), "{due:?}");
    }
}
