use chrono::{Datelike as _, Months, NaiveDate};

/// The days that are billed together, in UTC: `start` inclusive, `end` exclusive.
///
/// Periods are months, counted from the day that the subscription began (the anchor). In a month without that day, the period
/// begins on the last day: from an anchor of 31 January, on 28 February and on 31 March.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    start: NaiveDate,
    end: NaiveDate,
}

impl Period {
    /// The first period of a subscription with this anchor.
    #[must_use]
    pub fn first(anchor: NaiveDate) -> Self {
        Self { start: anchor, end: month_after(anchor, anchor) }
    }

    /// The following period of a subscription with this anchor.
    #[must_use]
    pub fn next(self, anchor: NaiveDate) -> Self {
        Self { start: self.end, end: month_after(anchor, self.end) }
    }

    /// The part of the period before a day; `None` if it is empty.
    #[must_use]
    pub fn before(self, day: NaiveDate) -> Option<Self> {
        Self::from_stored(self.start, self.end.min(day))
    }

    /// `None` unless `end` is after `start`.
    #[must_use]
    pub fn from_stored(start: NaiveDate, end: NaiveDate) -> Option<Self> {
        (start < end).then_some(Self { start, end })
    }

    /// The first day.
    #[must_use]
    pub const fn start(self) -> NaiveDate {
        self.start
    }

    /// The day after the last one.
    #[must_use]
    pub const fn end(self) -> NaiveDate {
        self.end
    }

    #[must_use]
    pub fn last_day(self) -> NaiveDate {
        self.end.pred_opt().unwrap_or(self.end)
    }
}

/// The start of the subscription's period in the calendar month after that of `day`.
fn month_after(anchor: NaiveDate, day: NaiveDate) -> NaiveDate {
    let months = (day.year() - anchor.year()) * 12 + month(day) - month(anchor) + 1;
    let months = Months::new(months.try_into().unwrap_or_default());
    anchor.checked_add_months(months).unwrap_or(NaiveDate::MAX)
}

fn month(day: NaiveDate) -> i32 {
    day.month0().try_into().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn ends(anchor: &str, count: usize) -> Vec<String> {
        let anchor = day(anchor);
        let periods = std::iter::successors(Some(Period::first(anchor)), |period| Some(period.next(anchor)));
        periods.take(count).map(|period| period.end().to_string()).collect()
    }

    #[test]
    fn short_month_does_not_shift_later_periods() {
        assert_eq!(ends("2027-01-31", 4), ["2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31"]);
        assert_eq!(ends("2028-01-30", 2), ["2028-02-29", "2028-03-30"]);
        assert_eq!(ends("2026-12-15", 2), ["2027-01-15", "2027-02-15"]);
    }

    #[test]
    fn part_before_start_is_none() {
        let period = Period::first(day("2026-11-01"));
        assert_eq!(period.before(day("2026-11-01")), None);
        assert_eq!(period.before(day("2026-11-02")).unwrap().last_day(), day("2026-11-01"));
        assert_eq!(period.before(day("2027-01-01")), Some(period));
    }

    proptest! {
        #[test]
        fn periods_are_months_without_gap_or_overlap(days in 0_i64..40_000, count in 1_usize..400) {
            let anchor = day("1990-01-01") + TimeDelta::days(days);
            let mut period = Period::first(anchor);
            prop_assert_eq!(period.start(), anchor);
            for _ in 0..count {
                let next = period.next(anchor);
                prop_assert_eq!(next.start(), period.end());
                let length = (next.end() - next.start()).num_days();
                prop_assert!((28..=31).contains(&length), "{:?}", next);
                let begins = next.start();
                let last_of_month = begins.succ_opt().unwrap().month() != begins.month();
                prop_assert!(begins.day() == anchor.day() || (begins.day() < anchor.day() && last_of_month), "{:?}", next);
                period = next;
            }
        }
    }
}
