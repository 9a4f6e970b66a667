use chrono::{DateTime, Utc};

use crate::send::Reason;
use crate::template::{TemplateStatus, Usability};

/// What decides whether a send may leave, as it is at that moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct DepartureFacts {
    /// Nothing leaves afterwards.
    pub send_before: DateTime<Utc>,
    /// Only allowed within the service window.
    pub is_free_form: bool,
    pub service_window_ends_at: Option<DateTime<Utc>>,
    pub is_marketing: bool,
    /// The customer takes no marketing.
    pub opted_out: bool,
    /// Its sender wants it to be canceled if the customer writes first, and the customer has written.
    pub customer_has_written: bool,
    /// The number is connected.
    pub is_connected: bool,
    /// The tenant is active.
    pub is_active: bool,
    /// Of the copy of its template, if it has one.
    pub template: Option<TemplateStatus>,
}

/// What becomes of a send whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Departure {
    /// Meta is called.
    Leaves,
    /// It waits until its tenant is active and its template approved, or expires.
    Waits,
    Expires(Reason),
    Cancels(Reason),
    Fails(Reason),
}

impl DepartureFacts {
    /// The decision is made when a send leaves, not when it is wanted: window, consent and template may have changed meanwhile. About
    /// a template without a copy, Meta decides.
    #[must_use]
    pub fn decide(&self, now: DateTime<Utc>) -> Departure {
        if !self.is_connected {
            return Departure::Cancels(Reason::Disconnected);
        }
        if self.customer_has_written {
            return Departure::Cancels(Reason::CustomerWrote);
        }
        if self.is_marketing && self.opted_out {
            return Departure::Cancels(Reason::OptedOut);
        }
        if self.send_before <= now {
            return Departure::Expires(Reason::TooLate);
        }
        if self.is_free_form && self.service_window_ends_at.is_none_or(|end| end <= now) {
            return Departure::Fails(Reason::WindowClosed);
        }
        match self.template.map(TemplateStatus::usability) {
            Some(Usability::Never) => Departure::Fails(Reason::TemplateNotUsable),
            Some(Usability::Now | Usability::Unknown) | None if self.is_active => Departure::Leaves,
            Some(Usability::Now | Usability::Unknown | Usability::Later) | None => Departure::Waits,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    const ANSWER: DepartureFacts = DepartureFacts {
        send_before: DateTime::<Utc>::MAX_UTC,
        is_free_form: true,
        service_window_ends_at: Some(DateTime::<Utc>::MAX_UTC),
        is_marketing: false,
        opted_out: false,
        customer_has_written: false,
        is_connected: true,
        is_active: true,
        template: None,
    };

    #[test]
    fn each_obstacle_has_its_outcome() {
        let rows = [
            (ANSWER, Departure::Leaves),
            (DepartureFacts { send_before: at(10), ..ANSWER }, Departure::Expires(Reason::TooLate)),
            (DepartureFacts { service_window_ends_at: None, ..ANSWER }, Departure::Fails(Reason::WindowClosed)),
            (DepartureFacts { service_window_ends_at: Some(at(10)), ..ANSWER }, Departure::Fails(Reason::WindowClosed)),
            (DepartureFacts { service_window_ends_at: None, is_free_form: false, ..ANSWER }, Departure::Leaves),
            (DepartureFacts { opted_out: true, ..ANSWER }, Departure::Leaves),
            (DepartureFacts { opted_out: true, is_marketing: true, ..ANSWER }, Departure::Cancels(Reason::OptedOut)),
            (DepartureFacts { customer_has_written: true, ..ANSWER }, Departure::Cancels(Reason::CustomerWrote)),
            (DepartureFacts { is_connected: false, ..ANSWER }, Departure::Cancels(Reason::Disconnected)),
            (DepartureFacts { is_active: false, ..ANSWER }, Departure::Waits),
            (DepartureFacts { template: Some(TemplateStatus::Approved), ..ANSWER }, Departure::Leaves),
            (DepartureFacts { template: Some(TemplateStatus::Other), ..ANSWER }, Departure::Leaves),
            (DepartureFacts { template: Some(TemplateStatus::Paused), ..ANSWER }, Departure::Waits),
            (
                DepartureFacts { template: Some(TemplateStatus::Disabled), ..ANSWER },
                Departure::Fails(Reason::TemplateNotUsable),
            ),
            (DepartureFacts { template: Some(TemplateStatus::Approved), is_active: false, ..ANSWER }, Departure::Waits),
        ];
        for (facts, expected) in rows {
            assert_eq!(facts.decide(at(10)), expected, "{facts:?}");
        }
    }
}
