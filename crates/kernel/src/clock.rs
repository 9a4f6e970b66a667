use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Duration, DurationRound, Utc};
use uuid::{ContextV7, Timestamp, Uuid};

/// The source of time. It is passed to use cases, which bind its times into SQL, so that a test moves time by hand instead of
/// sleeping.
pub trait Clock: Send + Sync + Debug {
    /// The current time in whole microseconds, the precision of Postgres: a value read back equals the value written.
    fn now(&self) -> DateTime<Utc>;

    /// A UUIDv7 of this clock's time; ids of one clock sort by creation.
    fn new_id(&self) -> Uuid;
}

/// Makes UUIDv7s that increase even within one millisecond.
#[derive(Debug)]
struct IdSource(Mutex<ContextV7>);

impl IdSource {
    fn new() -> Self {
        Self(Mutex::new(ContextV7::new()))
    }

    fn next(&self, now: DateTime<Utc>) -> Uuid {
        let context = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
        Uuid::new_v7(Timestamp::from_unix(&*context, seconds, now.timestamp_subsec_nanos()))
    }
}

fn whole_microseconds(time: DateTime<Utc>) -> DateTime<Utc> {
    time.duration_trunc(Duration::microseconds(1)).unwrap_or(time)
}

/// The machine's clock.
#[derive(Debug)]
pub struct SystemClock(IdSource);

impl SystemClock {
    #[must_use]
    pub fn new() -> Self {
        Self(IdSource::new())
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the only place that reads the machine's time")]
    fn now(&self) -> DateTime<Utc> {
        whole_microseconds(Utc::now())
    }

    fn new_id(&self) -> Uuid {
        self.0.next(self.now())
    }
}

/// A clock that only moves by [`ManualClock::advance`], for tests.
#[derive(Debug)]
pub struct ManualClock {
    now: Mutex<DateTime<Utc>>,
    ids: IdSource,
}

impl ManualClock {
    #[must_use]
    pub fn starting_at(now: DateTime<Utc>) -> Self {
        Self { now: Mutex::new(whole_microseconds(now)), ids: IdSource::new() }
    }

    /// Moves time forward, or back by a negative duration.
    pub fn advance(&self, by: Duration) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        *now += by;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn new_id(&self) -> Uuid {
        self.ids.next(self.now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_one_instant_increase() {
        let clock = ManualClock::starting_at(DateTime::UNIX_EPOCH + Duration::days(20_000));
        let ids: Vec<Uuid> = (0..1_000).map(|_| clock.new_id()).collect();
        assert!(ids.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn system_time_has_whole_microseconds() {
        let now = SystemClock::new().now();
        assert_eq!(now.timestamp_subsec_nanos() % 1_000, 0);
    }
}
