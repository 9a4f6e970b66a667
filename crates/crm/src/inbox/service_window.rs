use chrono::{DateTime, TimeDelta, Utc};

/// A rule of WhatsApp: a business may send free-form messages for 24 hours after the customer's last message or call.
pub(super) const SERVICE_WINDOW: TimeDelta = TimeDelta::hours(24);

/// When the service window of an account and a contact ends, after the customer wrote or called at these times. Specifies
/// how the database extends windows: in any order of the events, a window never shrinks.
#[must_use]
pub fn service_window_end(contacted_at: impl IntoIterator<Item = DateTime<Utc>>) -> Option<DateTime<Utc>> {
    contacted_at.into_iter().max().map(|last| last + SERVICE_WINDOW)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn window_ends_24_hours_after_the_latest_contact() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        assert_eq!(service_window_end([at(20), at(30), at(10)]), Some(at(30 + 24 * 3_600)));
        assert_eq!(service_window_end([]), None);
    }
}
