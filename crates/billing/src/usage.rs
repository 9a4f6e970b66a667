use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use chrono::{Datelike as _, NaiveDate, TimeDelta};
use kernel::MessageCategory;
use kernel::ids::ContactId;

/// An inbound message, for counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MeteredMessage {
    /// The day it was received, in UTC.
    pub day: NaiveDate,
    /// The sender.
    pub contact: ContactId,
}

/// A message that Meta has accepted, for counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SentMessage {
    /// The day on which it was accepted, in UTC.
    pub day: NaiveDate,
    pub category: MessageCategory,
}

/// How many messages of a category were sent on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentCount {
    pub day: NaiveDate,
    pub category: MessageCategory,
    pub messages: u64,
}

/// Sent messages by category.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SentMessages {
    pub service: u64,
    pub utility: u64,
    pub authentication: u64,
    pub marketing: u64,
}

impl SentMessages {
    fn add(&mut self, category: MessageCategory, messages: u64) {
        let count = match category {
            MessageCategory::Service => &mut self.service,
            MessageCategory::Utility => &mut self.utility,
            MessageCategory::Authentication => &mut self.authentication,
            MessageCategory::Marketing => &mut self.marketing,
        };
        *count = count.saturating_add(messages);
    }
}

/// What customers wrote on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DailyUsage {
    pub day: NaiveDate,
    pub inbound_messages: u64,
    /// The number of contacts that wrote on this day.
    pub active_contacts: u64,
}

/// The usage of one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsageDay {
    pub received: DailyUsage,
    pub sent: SentMessages,
}

/// The usage of a range of days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// All days of the range, oldest first, including days without usage.
    pub days: Vec<UsageDay>,
    pub inbound_messages: u64,
    pub sent: SentMessages,
    /// The number of distinct contacts that wrote in the range, which may be less than the sum of the days.
    pub active_contacts: u64,
}

/// A range of days, both ends inclusive: at most [`UsageRange::MAX_DAYS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsageRange {
    first: NaiveDate,
    last: NaiveDate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUsageRange {
    #[error("the first day must not be after the last")]
    Reversed,
    #[error("must not be longer than {} days", UsageRange::MAX_DAYS)]
    TooLong,
    /// Outside these years, Postgres and ISO 8601 write dates differently.
    #[error("days must be in the years 1970 to 9999")]
    OutOfRange,
}

impl UsageRange {
    /// Three months.
    pub const MAX_DAYS: i64 = 92;
    const DEFAULT_DAYS: i64 = 30;
    const YEARS: RangeInclusive<i32> = 1970..=9999;

    /// # Errors
    /// [`InvalidUsageRange`].
    pub fn new(first: NaiveDate, last: NaiveDate) -> Result<Self, InvalidUsageRange> {
        if [first, last].iter().any(|day| !Self::YEARS.contains(&day.year())) {
            return Err(InvalidUsageRange::OutOfRange);
        }
        match (last - first).num_days() {
            ..0 => Err(InvalidUsageRange::Reversed),
            0..Self::MAX_DAYS => Ok(Self { first, last }),
            _ => Err(InvalidUsageRange::TooLong),
        }
    }

    /// A range with defaults: the last day is today, and the first is 29 days before the last.
    ///
    /// # Errors
    /// [`InvalidUsageRange`].
    pub fn with_defaults(
        first: Option<NaiveDate>,
        last: Option<NaiveDate>,
        today: NaiveDate,
    ) -> Result<Self, InvalidUsageRange> {
        let last = last.unwrap_or(today);
        let usual = || last.checked_sub_signed(TimeDelta::days(Self::DEFAULT_DAYS - 1)).unwrap_or(last);
        Self::new(first.unwrap_or_else(usual), last)
    }

    #[must_use]
    pub const fn first(self) -> NaiveDate {
        self.first
    }

    #[must_use]
    pub const fn last(self) -> NaiveDate {
        self.last
    }

    /// The usage of the range, from the days with received and with sent messages, and the number of distinct contacts.
    pub(crate) fn usage(self, used: Vec<DailyUsage>, counts: &[SentCount], active_contacts: u64) -> Usage {
        let (mut total, mut sent) = (SentMessages::default(), BTreeMap::<NaiveDate, SentMessages>::new());
        for SentCount { day, category, messages } in counts {
            total.add(*category, *messages);
            sent.entry(*day).or_default().add(*category, *messages);
        }
        let mut used: BTreeMap<NaiveDate, DailyUsage> = used.into_iter().map(|it| (it.day, it)).collect();
        let inbound_messages = used.values().fold(0, |sum: u64, it| sum.saturating_add(it.inbound_messages));
        let nothing = |day| DailyUsage { day, inbound_messages: 0, active_contacts: 0 };
        let days = self.first.iter_days().take_while(|day| *day <= self.last);
        let days = days.map(|day| UsageDay {
            received: used.remove(&day).unwrap_or_else(|| nothing(day)),
            sent: sent.remove(&day).unwrap_or_default(),
        });
        Usage { days: days.collect(), inbound_messages, sent: total, active_contacts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn usage_range_out_of_bounds_or_reversed_is_refused() {
        let first = day("2026-11-01");
        assert!(UsageRange::new(first, first).is_ok());
        assert!(UsageRange::new(first, first + TimeDelta::days(91)).is_ok());
        assert_eq!(UsageRange::new(first, first + TimeDelta::days(92)), Err(InvalidUsageRange::TooLong));
        assert_eq!(UsageRange::new(first, day("2026-10-31")), Err(InvalidUsageRange::Reversed));
        assert_eq!(UsageRange::new(day("1970-01-01"), day("9999-12-31")), Err(InvalidUsageRange::TooLong));
        assert_eq!(UsageRange::new(day("1969-12-31"), day("1970-01-01")), Err(InvalidUsageRange::OutOfRange));
        assert_eq!(UsageRange::new(NaiveDate::MAX, NaiveDate::MAX), Err(InvalidUsageRange::OutOfRange));
        let usual = UsageRange::with_defaults(None, None, first).unwrap();
        assert_eq!((usual.first(), usual.last()), (day("2026-10-03"), first));
        assert_eq!(UsageRange::with_defaults(None, Some(NaiveDate::MIN), first), Err(InvalidUsageRange::OutOfRange));
    }

    #[test]
    fn usage_includes_days_without_messages() {
        let used = |text, inbound_messages| DailyUsage { day: day(text), inbound_messages, active_contacts: 1 };
        let range = UsageRange::new(day("2026-10-31"), day("2026-11-02")).unwrap();
        let usage = range.usage(vec![used("2026-11-02", 3), used("2026-10-31", 4)], &[], 1);
        let messages: Vec<u64> = usage.days.iter().map(|day| day.received.inbound_messages).collect();
        assert_eq!((messages, usage.inbound_messages, usage.active_contacts), (vec![4, 0, 3], 7, 1));
    }

    #[test]
    fn sent_messages_are_summed_by_category() {
        use MessageCategory::{Authentication, Marketing, Service, Utility};
        let sent = |text, category, messages| SentCount { day: day(text), category, messages };
        let counts = [
            sent("2026-11-02", Service, 3),
            sent("2026-11-01", Service, 4),
            sent("2026-11-01", Utility, 5),
            sent("2026-11-01", Marketing, 6),
            sent("2026-11-02", Authentication, 7),
        ];
        let usage = UsageRange::new(day("2026-10-31"), day("2026-11-02")).unwrap().usage(Vec::new(), &counts, 0);
        let days: Vec<SentMessages> = usage.days.iter().map(|day| day.sent).collect();
        let first = SentMessages { service: 4, utility: 5, authentication: 0, marketing: 6 };
        let second = SentMessages { service: 3, authentication: 7, ..SentMessages::default() };
        assert_eq!(days, [SentMessages::default(), first, second]);
        assert_eq!(usage.sent, SentMessages { service: 7, utility: 5, authentication: 7, marketing: 6 });
    }
}
