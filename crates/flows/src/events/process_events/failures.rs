//! What failed statuses of Parley's own messages say beyond the message.

use chrono::{DateTime, TimeDelta, Utc};
use crm::inbox::{Activity, ActivityEffect};
use crm::{InteractionKind, MarketingConsent};
use outbound::{ErrorClass, SendingPause, When, classify};

use super::translate::OpaqueStatus;

/// A failure that is older says nothing of what the number may send now: Meta repeats deliveries for days, and people replay events.
const CURRENT: TimeDelta = TimeDelta::hours(1);

#[derive(Debug, Default)]
pub(super) struct Failures {
    /// Of accounts as a whole.
    pub(super) pauses: Vec<SendingPause>,
    /// Customers who want no marketing, as Meta knows.
    pub(super) opt_outs: Vec<Activity>,
}

impl Failures {
    /// Notes what a status says, if it reports a failure. Its opaque text is known to be Parley's.
    pub(super) fn note(&mut self, status: OpaqueStatus, now: DateTime<Utc>) {
        let OpaqueStatus { message: (account, wamid), error: Some(error), customer, occurred_at, .. } = status else {
            return;
        };
        let verdict = classify(&error, When::Status);
        if occurred_at + CURRENT > now {
            // Meta's clock may be ahead: what ends pauses ends those that began until now.
            let started_at = occurred_at.min(now);
            self.pauses.extend(SendingPause::of_account(&verdict, account, error.code, started_at));
        }
        if verdict.class == ErrorClass::OptedOut
            && let Some(customer) = customer
        {
            let consent = MarketingConsent::Withdrawn;
            self.opt_outs.push(Activity {
                customer,
                kind: InteractionKind::ConsentChanged,
                text: consent.interaction_text().to_owned(),
                source: format!("opt_out:{account}:{wamid}"),
                effect: ActivityEffect::Consent { granted: false },
                occurred_at,
                arrival: status.arrival,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use crm::identity::{IdentityKey, Person};
    use kernel::Arrival;
    use kernel::ids::{AccountId, EventId, TenantId};
    use outbound::{PauseScope, PausedSends};
    use uuid::Uuid;
    use whatsapp::GraphError;

    use super::*;
    use crate::fake::at;

    fn failures(code: i64, occurred_at: i64) -> Failures {
        let status = OpaqueStatus {
            event: EventId::from_uuid(Uuid::from_u128(3)),
            tenant: TenantId::from_uuid(Uuid::from_u128(1)),
            message: (AccountId::from_uuid(Uuid::from_u128(2)), "w".to_owned()),
            opaque: String::new(),
            is_failure: true,
            is_delivery: false,
            error: Some(GraphError { code: Some(code), ..GraphError::default() }),
            customer: Some(Person {
                phones: IdentityKey::phone("15550100").into_iter().collect(),
                ..Person::unknown(at(0))
            }),
            occurred_at: at(occurred_at),
            arrival: Arrival::ZERO,
        };
        let mut failures = Failures::default();
        failures.note(status, at(3_600));
        failures
    }

    #[test]
    fn unpaid_business_account_pauses_what_is_charged() {
        let [pause] = &failures(131_042, 10).pauses[..] else { panic!("one pause") };
        assert_eq!((pause.scope, pause.sends, pause.until), (PauseScope::BusinessAccount, PausedSends::Paid, None));
        assert_eq!((pause.code, pause.started_at), (Some(131_042), at(10)));
        let [limited] = &failures(131_048, 10).pauses[..] else { panic!("one pause") };
        assert_eq!(limited.until, Some(at(10 + 6 * 3_600)));
    }

    #[test]
    fn failure_that_is_an_hour_old_pauses_nothing() {
        assert!(failures(131_042, 0).pauses.is_empty());
        assert!(!failures(131_042, 1).pauses.is_empty());
    }

    #[test]
    fn failure_of_one_message_pauses_nothing() {
        for code in [131_026, 131_047, 131_049, 131_000, 132_015] {
            let failures = failures(code, 10);
            assert!(failures.pauses.is_empty() && failures.opt_outs.is_empty(), "{code}");
        }
    }

    #[test]
    fn opt_out_is_recorded_also_if_it_is_old() {
        let [opt_out] = &failures(131_050, -9_000).opt_outs[..] else { panic!("one opt-out") };
        assert_eq!(opt_out.effect, ActivityEffect::Consent { granted: false });
        assert_eq!((opt_out.occurred_at, opt_out.text.as_str()), (at(-9_000), "Wants no marketing messages"));
    }
}
