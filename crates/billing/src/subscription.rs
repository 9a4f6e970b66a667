use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::{Period, Plan, PlanCode};

/// A tenant's subscription to a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// As it was when the current period began.
    pub plan: Plan,
    pub status: SubscriptionStatus,
    /// The current period; the last one of a canceled subscription.
    pub period: Period,
    /// The day that the months of periods are counted from.
    pub anchor: NaiveDate,
    /// The plan of the next period, if it is another one.
    pub next_plan: Option<PlanCode>,
    /// The subscription ends with the current period.
    pub cancel_at_period_end: bool,
    /// Increases with each change.
    pub version: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum SubscriptionStatus {
    /// In the first period, which is free.
    Trialing,
    Active,
    /// An invoice is overdue.
    PastDue,
    /// Not billed any more. Messages are still received and counted.
    Canceled,
}

/// What a tenant's choice of a plan does to the subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanChange {
    /// The subscription is already as chosen.
    Unchanged,
    /// The current period stays as it is; the change applies from the next one.
    AtPeriodEnd(Subscription),
    /// A period on the chosen plan begins now. The current period is cut to the part before it.
    Immediate { ended: Option<Period>, subscription: Subscription },
}

/// Why a plan cannot be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanChangeRefused {
    #[error("the trial is available only once, at sign-up")]
    TrialUsed,
    #[error("a plan that starts after the current period cannot be canceled at its end")]
    CanceledBeforeStart,
}

impl Subscription {
    /// The subscription of a new tenant: one period on the trial plan.
    #[must_use]
    pub fn trial(plan: Plan, today: NaiveDate) -> Self {
        Self {
            plan,
            status: SubscriptionStatus::Trialing,
            period: Period::first(today),
            anchor: today,
            next_plan: None,
            cancel_at_period_end: false,
            version: 1,
        }
    }

    /// Whether the current period ended by that day.
    #[must_use]
    pub fn has_ended(&self, day: NaiveDate) -> bool {
        self.status != SubscriptionStatus::Canceled && self.period.end() <= day
    }

    /// The plan of the next period; `None` if there is none.
    #[must_use]
    pub fn renewal_plan(&self) -> Option<&PlanCode> {
        match self.status {
            SubscriptionStatus::Trialing | SubscriptionStatus::Canceled => None,
            SubscriptionStatus::Active | SubscriptionStatus::PastDue => {
                (!self.cancel_at_period_end).then(|| self.next_plan.as_ref().unwrap_or(&self.plan.code))
            }
        }
    }

    /// The subscription after the current period has been billed: in its next period, on this plan as it is now in the catalogue;
    /// canceled if there is no plan.
    #[must_use]
    pub fn renewed(self, plan: Option<Plan>) -> Self {
        let settled = Self { next_plan: None, cancel_at_period_end: false, version: self.version + 1, ..self };
        match plan {
            Some(plan) => Self { period: settled.period.next(settled.anchor), plan, ..settled },
            None => Self { status: SubscriptionStatus::Canceled, ..settled },
        }
    }

    /// Sets or clears [`SubscriptionStatus::PastDue`].
    #[must_use]
    pub fn with_overdue_invoice(self, overdue: bool) -> Self {
        let status = match (self.status, overdue) {
            (SubscriptionStatus::Active, true) => SubscriptionStatus::PastDue,
            (SubscriptionStatus::PastDue, false) => SubscriptionStatus::Active,
            (status, _) => status,
        };
        if status == self.status { self } else { Self { status, version: self.version + 1, ..self } }
    }

    /// Changes the plan; with `cancel_at_period_end`, the subscription ends with the current period. A paid period stays as it is,
    /// so another plan starts with the next one; from a trial or a canceled subscription it starts at once. The current period
    /// must not have ended before `today`.
    ///
    /// # Errors
    /// [`PlanChangeRefused`].
    pub fn change_plan(
        &self,
        plan: Plan,
        cancel_at_period_end: bool,
        today: NaiveDate,
    ) -> Result<PlanChange, PlanChangeRefused> {
        let is_running = self.status != SubscriptionStatus::Canceled && plan.code == self.plan.code;
        if plan.code.is_trial() && !is_running {
            return Err(PlanChangeRefused::TrialUsed);
        }
        match self.status {
            SubscriptionStatus::Trialing if !is_running => {
                // Clocks differ: another server may still be on the day before.
                let start = today.max(self.period.start());
                Ok(self.begin(plan, cancel_at_period_end, start, self.period.before(start)))
            }
            SubscriptionStatus::Canceled => {
                Ok(self.begin(plan, cancel_at_period_end, today.max(self.period.end()), None))
            }
            _ if cancel_at_period_end && !is_running => Err(PlanChangeRefused::CanceledBeforeStart),
            _ => {
                let next_plan = (!is_running).then_some(plan.code);
                if (&self.next_plan, self.cancel_at_period_end) == (&next_plan, cancel_at_period_end) {
                    return Ok(PlanChange::Unchanged);
                }
                let version = self.version + 1;
                Ok(PlanChange::AtPeriodEnd(Self { next_plan, cancel_at_period_end, version, ..self.clone() }))
            }
        }
    }

    fn begin(&self, plan: Plan, cancel_at_period_end: bool, start: NaiveDate, ended: Option<Period>) -> PlanChange {
        let subscription = Self {
            plan,
            status: SubscriptionStatus::Active,
            period: Period::first(start),
            anchor: start,
            next_plan: None,
            cancel_at_period_end,
            version: self.version + 1,
        };
        PlanChange::Immediate { ended, subscription }
    }
}

impl SubscriptionStatus {
    pub const ALL: &'static [Self] = Self::VARIANTS;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Money, Terms};

    fn plan(code: &str) -> Plan {
        let free = Money::zero("EUR".parse().unwrap());
        Plan::new(code.parse().unwrap(), "Name".parse().unwrap(), Terms::new(free, 10, free).unwrap()).unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn trial() -> Subscription {
        Subscription::trial(plan("trial"), day("2026-11-26"))
    }

    fn starter() -> Subscription {
        match trial().change_plan(plan("starter"), false, day("2026-11-26")).unwrap() {
            PlanChange::Immediate { ended: None, subscription } => subscription,
            other => panic!("{other:?}"),
        }
    }

    fn later(choice: PlanChange) -> Subscription {
        match choice {
            PlanChange::AtPeriodEnd(subscription) => subscription,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn choosing_a_plan_ends_the_trial_the_day_before() {
        let choice = trial().change_plan(plan("starter"), false, day("2026-12-01")).unwrap();
        let PlanChange::Immediate { ended: Some(ended), subscription } = choice else { panic!("{choice:?}") };
        assert_eq!((ended.start(), ended.end()), (day("2026-11-26"), day("2026-12-01")));
        assert_eq!((subscription.status, subscription.period.start()), (SubscriptionStatus::Active, ended.end()));
        assert_eq!(subscription.period.end(), day("2027-01-01"));
        // On a server whose clock is behind.
        let choice = trial().change_plan(plan("starter"), false, day("2026-11-25")).unwrap();
        assert!(
            matches!(choice, PlanChange::Immediate { ended: None, subscription } if subscription.anchor == day("2026-11-26"))
        );
    }

    #[test]
    fn trial_without_chosen_plan_is_canceled() {
        let trial = trial();
        assert!(!trial.has_ended(day("2026-12-25")) && trial.has_ended(day("2026-12-26")));
        assert_eq!(trial.renewal_plan(), None);
        let canceled = trial.renewed(None);
        assert_eq!(canceled.status, SubscriptionStatus::Canceled);
        assert!(!canceled.has_ended(day("2030-01-01")));
        let today = day("2027-02-03");
        assert_eq!(canceled.change_plan(plan("trial"), false, today), Err(PlanChangeRefused::TrialUsed));
        let choice = canceled.change_plan(plan("starter"), false, today).unwrap();
        assert!(
            matches!(choice, PlanChange::Immediate { ended: None, subscription } if subscription.period.start() == today)
        );
    }

    #[test]
    fn plan_change_applies_from_next_period() {
        let (starter, today) = (starter(), day("2026-12-01"));
        assert_eq!(starter.change_plan(plan("starter"), false, today), Ok(PlanChange::Unchanged));
        assert_eq!(starter.change_plan(plan("trial"), false, today), Err(PlanChangeRefused::TrialUsed));
        assert_eq!(starter.change_plan(plan("business"), true, today), Err(PlanChangeRefused::CanceledBeforeStart));
        let waiting = later(starter.change_plan(plan("business"), false, today).unwrap());
        assert_eq!((&waiting.plan, waiting.period), (&starter.plan, starter.period));
        assert_eq!(waiting.change_plan(plan("business"), false, today), Ok(PlanChange::Unchanged));
        assert_eq!(waiting.renewal_plan(), Some(&plan("business").code));
        assert_eq!(later(waiting.change_plan(plan("starter"), false, today).unwrap()).next_plan, None, "after all");
        let next = waiting.renewed(Some(plan("business")));
        assert_eq!((&next.plan, next.next_plan), (&plan("business"), None));
        assert_eq!(next.period.start(), starter.period.end());
    }

    #[test]
    fn canceled_subscription_ends_with_its_period() {
        let (starter, today) = (starter(), day("2026-12-01"));
        let ending = later(starter.change_plan(plan("starter"), true, today).unwrap());
        assert_eq!((ending.status, ending.renewal_plan()), (SubscriptionStatus::Active, None));
        assert_eq!(
            later(ending.change_plan(plan("starter"), false, today).unwrap()).renewal_plan(),
            Some(&starter.plan.code)
        );
        assert_eq!(ending.renewed(None).status, SubscriptionStatus::Canceled);
    }

    #[test]
    fn only_active_subscription_becomes_past_due() {
        let starter = starter();
        let late = starter.clone().with_overdue_invoice(true);
        assert_eq!((late.status, late.version), (SubscriptionStatus::PastDue, starter.version + 1));
        assert_eq!(late.clone().with_overdue_invoice(true), late);
        assert_eq!(late.with_overdue_invoice(false).status, SubscriptionStatus::Active);
        assert_eq!(trial().with_overdue_invoice(true), trial());
        assert_eq!(trial().renewed(None).with_overdue_invoice(true).status, SubscriptionStatus::Canceled);
    }
}
