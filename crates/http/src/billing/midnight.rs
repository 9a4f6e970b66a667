use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

/// Start of a day, in UTC.
pub(super) fn midnight_utc(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}
