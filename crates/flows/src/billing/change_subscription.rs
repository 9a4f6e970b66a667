use audit::RequestOrigin;
use billing::{PaymentTerms, Plan, PlanChange, PlanChangeRefused, PlanCode, RunningSubscription, Subscription};
use kernel::{BillingWrite, Clock, Permit, StoreError};

use super::close_period::{close, close_ended};
use super::{BillingContext, BillingTx, ClosePeriodError};

/// The plan that a tenant chose.
#[derive(Clone, Debug)]
pub struct ChosenPlan {
    pub plan: PlanCode,
    /// Cancel at the end of the current period.
    pub cancel_at_period_end: bool,
    /// The version of the subscription that the caller read, if given.
    pub version: Option<i64>,
}

#[derive(Debug, thiserror::Error)]
pub enum ChangeSubscriptionError {
    #[error("the tenant has no subscription")]
    NotFound,
    /// The plan does not exist or is no longer available.
    #[error("the plan does not exist")]
    UnknownPlan,
    #[error(transparent)]
    PlanChangeRefused(#[from] PlanChangeRefused),
    #[error("the subscription has another version")]
    StaleVersion,
    #[error(transparent)]
    Close(#[from] ClosePeriodError),
}

/// Changes the tenant's plan: at once during a trial or without an active subscription, else from the next period on. Choosing
/// the current plan changes nothing. Returns the subscription as it is now.
///
/// # Errors
/// [`ChangeSubscriptionError`].
pub async fn change_subscription(
    permit: Permit<BillingWrite>,
    tx: &mut dyn BillingTx,
    chosen: ChosenPlan,
    payment: PaymentTerms,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<RunningSubscription, ChangeSubscriptionError> {
    let context = BillingContext { by: permit.actor().into(), origin, clock };
    let today = clock.now().date_naive();
    let before = tx.lock_subscription().await?.ok_or(ChangeSubscriptionError::NotFound)?;
    if chosen.version.is_some_and(|version| version != before.version) {
        return Err(ChangeSubscriptionError::StaleVersion);
    }
    // Ended periods are closed on the old terms.
    let (current, _) = close_ended(tx, before.clone(), today, payment, &context).await?;
    let plan = find_plan(tx, &current, &chosen.plan).await?;
    let after = match current.change_plan(plan, chosen.cancel_at_period_end, today)? {
        PlanChange::Unchanged => current,
        PlanChange::AtPeriodEnd(after) => after,
        PlanChange::Immediate { ended, subscription } => {
            if let Some(ended) = ended {
                close(tx, &current.plan, ended, payment, &context).await?;
            }
            subscription
        }
    };
    let after = after.with_overdue_invoice(tx.has_overdue_invoice(context.now()).await?);
    context.store(tx, &before, &after).await?;
    Ok(RunningSubscription::read(tx, after).await?)
}

/// Finds the plan. A subscriber keeps the current plan on its terms, even if it is no longer available to others.
async fn find_plan(
    tx: &mut dyn BillingTx,
    current: &Subscription,
    code: &PlanCode,
) -> Result<Plan, ChangeSubscriptionError> {
    let offer = tx.plan(code).await?;
    let is_running = current.status != billing::SubscriptionStatus::Canceled && current.plan.code == *code;
    match offer {
        _ if is_running => Ok(current.plan.clone()),
        Some(offer) if offer.available => Ok(offer.plan),
        _ => Err(ChangeSubscriptionError::UnknownPlan),
    }
}

impl From<StoreError> for ChangeSubscriptionError {
    fn from(error: StoreError) -> Self {
        Self::Close(error.into())
    }
}

#[cfg(test)]
mod tests {
    use audit::Action;
    use billing::{InvoiceStatus, SubscriptionStatus};
    use chrono::TimeDelta;

    use audit::Principal;

    use super::*;
    use crate::fake::{FakeStore, at, changes, day, origin, plan, run};

    /// A tenant that pays for the plan `starter` since 1 January 2027. Today is the 15th.
    fn subscribed() -> FakeStore {
        let mut store = FakeStore::new();
        store.subscribe(&starter(), day("2027-01-01"));
        store.offer(&plan("business", 9_900, 1_000, 3), true);
        store.offer(&plan("trial", 0, 100, 0), true);
        store
    }

    /// A tenant whose trial began on that day.
    fn on_trial(since: &str) -> FakeStore {
        let mut store = subscribed();
        store.billing.subscription = Some(Subscription::trial(plan("trial", 0, 100, 0), day(since)));
        store
    }

    fn starter() -> Plan {
        plan("starter", 2_900, 100, 5)
    }

    fn chosen(plan: &str) -> ChosenPlan {
        ChosenPlan { plan: plan.parse().unwrap(), cancel_at_period_end: false, version: None }
    }

    fn change(store: &mut FakeStore, chosen: ChosenPlan) -> Result<RunningSubscription, ChangeSubscriptionError> {
        let (permit, clock) = (store.permit(), store.clock.clone());
        run(change_subscription(permit, store, chosen, PaymentTerms::default(), origin(), &*clock))
    }

    /// The error of a refused change. A refusal in a running period writes nothing.
    fn refusal(store: &mut FakeStore, chosen: ChosenPlan) -> ChangeSubscriptionError {
        let before = store.billing.subscription.clone();
        let error = change(store, chosen).unwrap_err();
        assert_eq!(store.billing.subscription, before);
        assert!(store.billing.invoices.is_empty() && store.audit_log.is_empty());
        error
    }

    #[test]
    fn tenant_without_subscription_is_not_found() {
        let mut store = FakeStore::new();
        assert!(matches!(refusal(&mut store, chosen("starter")), ChangeSubscriptionError::NotFound));
    }

    #[test]
    fn choice_based_on_another_version_is_refused() {
        let mut store = subscribed();
        for version in [0, 2] {
            let stale = ChosenPlan { version: Some(version), ..chosen("business") };
            assert!(matches!(refusal(&mut store, stale), ChangeSubscriptionError::StaleVersion));
        }
        let read = ChosenPlan { version: Some(1), ..chosen("business") };
        assert_eq!(change(&mut store, read).unwrap().subscription.version, 2);
    }

    #[test]
    fn unknown_or_withdrawn_plan_is_refused() {
        let mut store = subscribed();
        store.offer(&plan("classic", 1_000, 10, 1), false);
        for code in ["enterprise", "classic"] {
            assert!(matches!(refusal(&mut store, chosen(code)), ChangeSubscriptionError::UnknownPlan), "{code}");
        }
    }

    #[test]
    fn subscriber_of_a_withdrawn_plan_can_cancel_it() {
        let mut store = subscribed();
        store.offer(&starter(), false);
        let cancel = ChosenPlan { cancel_at_period_end: true, ..chosen("starter") };
        assert!(change(&mut store, cancel).unwrap().subscription.cancel_at_period_end);
    }

    #[test]
    fn canceled_tenant_cannot_return_to_a_withdrawn_plan() {
        let mut store = subscribed();
        store.offer(&starter(), false);
        store.billing.subscription = Some(store.subscription().clone().renewed(None));
        assert!(matches!(refusal(&mut store, chosen("starter")), ChangeSubscriptionError::UnknownPlan));
    }

    #[test]
    fn choice_that_the_rules_forbid_is_refused() {
        let mut store = subscribed();
        let refused = refusal(&mut store, chosen("trial"));
        assert!(matches!(refused, ChangeSubscriptionError::PlanChangeRefused(PlanChangeRefused::TrialUsed)));
        let refused = refusal(&mut store, ChosenPlan { cancel_at_period_end: true, ..chosen("business") });
        assert!(matches!(refused, ChangeSubscriptionError::PlanChangeRefused(PlanChangeRefused::CanceledBeforeStart)));
    }

    #[test]
    fn plan_chosen_within_a_period_waits_for_its_end() {
        let mut store = subscribed();
        store.billing.messages.insert(day("2027-01-10"), 42);
        let running = change(&mut store, chosen("business")).unwrap();
        assert_eq!((running.inbound_messages, &running.subscription.plan), (42, &starter()));
        assert_eq!(store.subscription(), &running.subscription);
        assert!(store.billing.invoices.is_empty());
        let [record] = &store.audit_log[..] else { panic!("{:?}", store.audited()) };
        assert_eq!((record.action, record.actor), (Action::SubscriptionChanged, Principal::User(store.caller)));
        assert_eq!(
            changes(record),
            [
                "cancel_at_period_end=false",
                r#"next_plan_code="business""#,
                r#"period_start="2027-01-01""#,
                r#"plan_code="starter""#,
                r#"status="active""#
            ]
        );
    }

    #[test]
    fn current_plan_chosen_again_changes_nothing() {
        let mut store = subscribed();
        let before = store.subscription().clone();
        assert_eq!(change(&mut store, chosen("starter")).unwrap().subscription, before);
        assert!(store.audit_log.is_empty());
    }

    #[test]
    fn plan_chosen_during_the_trial_starts_today() {
        let mut store = on_trial("2027-01-05");
        store.billing.messages = [(day("2027-01-14"), 120), (day("2027-01-15"), 8)].into();
        let running = change(&mut store, chosen("starter")).unwrap();
        assert_eq!((running.subscription.status, running.inbound_messages), (SubscriptionStatus::Active, 8));
        assert_eq!(running.subscription.period.start(), day("2027-01-15"));
        // The trial costs nothing, even beyond the included messages.
        let [invoice] = &store.billing.invoices[..] else { panic!("{:?}", store.billing.invoices) };
        assert_eq!((invoice.number, invoice.total.minor(), invoice.status), (1, 0, InvoiceStatus::Paid));
        assert_eq!((invoice.period.start(), invoice.period.end()), (day("2027-01-05"), day("2027-01-15")));
        assert_eq!(store.audited(), [Action::InvoiceClosed, Action::SubscriptionChanged]);
        assert_eq!(store.audit_log[0].changes["inbound_messages"], 120);
    }

    #[test]
    fn plan_chosen_on_the_first_day_leaves_no_trial_to_bill() {
        let mut store = on_trial("2027-01-15");
        change(&mut store, chosen("starter")).unwrap();
        assert!(store.billing.invoices.is_empty());
        assert_eq!(store.audited(), [Action::SubscriptionChanged]);
    }

    #[test]
    fn ended_period_is_billed_before_the_plan_changes() {
        let mut store = subscribed();
        store.subscribe(&starter(), day("2026-12-10"));
        store.billing.messages = [(day("2027-01-09"), 110), (day("2027-01-10"), 5)].into();
        store.offer(&plan("starter", 3_500, 50, 9), true);
        let running = change(&mut store, chosen("business")).unwrap();
        let [invoice] = &store.billing.invoices[..] else { panic!("{:?}", store.billing.invoices) };
        assert_eq!((invoice.total.minor(), invoice.period.end()), (2_900 + 10 * 5, day("2027-01-10")));
        // The period that has begun since is on the current terms of the old plan.
        let after = running.subscription;
        assert_eq!((after.plan, running.inbound_messages), (plan("starter", 3_500, 50, 9), 5));
        assert_eq!((after.period.start(), after.next_plan), (day("2027-01-10"), "business".parse().ok()));
        assert_eq!(after.version, 3);
    }

    #[test]
    fn overdue_invoice_makes_a_new_subscription_past_due() {
        let mut store = subscribed();
        store.subscribe(&starter(), day("2026-12-10"));
        let cancel = ChosenPlan { cancel_at_period_end: true, ..chosen("starter") };
        change(&mut store, cancel).unwrap();
        // The month until 10 January is billed, and the next one ends the subscription with another invoice.
        store.clock.advance(TimeDelta::days(30));
        let running = change(&mut store, chosen("business")).unwrap();
        assert_eq!((running.subscription.status, store.billing.invoices.len()), (SubscriptionStatus::PastDue, 2));
        assert!(store.billing.invoices[0].due_at <= at(30 * 86_400));
        assert_eq!(store.audit_log.last().unwrap().changes["status"], "past_due");
    }
}
