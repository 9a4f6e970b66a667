use audit::{Principal, RequestOrigin};
use billing::{BillingDirectory, PaymentTerms};
use chrono::TimeDelta;
use kernel::ids::TenantId;
use kernel::{Clock, StoreError, TenantScope};

use super::close_period::close_ended;
use super::{BillingContext, BillingTx, ClosePeriodError};
use crate::{Database, settle};

/// Delay between the end of a period and its closing, so that messages of its last minutes are processed in time. Messages
/// processed later count in the next period.
const GRACE: TimeDelta = TimeDelta::hours(1);

/// Tenants read at once.
const TENANTS: i32 = 500;

/// The result of a billing run over all tenants.
#[derive(Debug, Default)]
pub struct BillingRun {
    /// Number of invoices written.
    pub invoices: usize,
    /// Tenants whose transaction was rolled back. The others are done.
    pub failures: Vec<TenantBillingFailure>,
}

#[derive(Debug)]
pub struct TenantBillingFailure {
    pub tenant: TenantId,
    pub error: ClosePeriodError,
}

/// Closes all ended periods of all tenants, each with an invoice, and marks subscriptions with overdue invoices. Concurrent
/// runs write each invoice once. Periods of suspended tenants are closed, too.
///
/// # Errors
/// [`StoreError`] if the tenants to bill cannot be read.
pub async fn close_billing_periods(
    database: &dyn Database,
    by: Principal,
    payment: PaymentTerms,
    clock: &dyn Clock,
) -> Result<BillingRun, StoreError> {
    let mut done = BillingRun::default();
    let mut last = None;
    loop {
        let now = clock.now();
        let mut tx = database.directory().await?;
        let found = BillingDirectory::tenants_to_bill(&mut *tx, (now - GRACE).date_naive(), now, last, TENANTS).await;
        let tenants = settle(tx, found).await?;
        let Some(end) = tenants.last() else { return Ok(done) };
        last = Some(*end);
        for tenant in tenants {
            match close_for(database, &scope(tenant), by, payment, clock).await {
                Ok(invoices) => done.invoices += invoices,
                Err(error) => done.failures.push(TenantBillingFailure { tenant, error }),
            }
        }
    }
}

async fn close_for(
    database: &dyn Database,
    scope: &TenantScope,
    by: Principal,
    payment: PaymentTerms,
    clock: &dyn Clock,
) -> Result<usize, ClosePeriodError> {
    let mut tx = database.tenant(scope).await?;
    let outcome = close_tenant_periods(&mut *tx, by, payment, clock).await;
    settle(tx, outcome).await
}

/// Closes the ended periods of the transaction's tenant. Returns the number of invoices written.
///
/// # Errors
/// [`ClosePeriodError`].
pub async fn close_tenant_periods(
    tx: &mut dyn BillingTx,
    by: Principal,
    payment: PaymentTerms,
    clock: &dyn Clock,
) -> Result<usize, ClosePeriodError> {
    let context = BillingContext { by, origin: RequestOrigin::default(), clock };
    let Some(before) = tx.lock_subscription().await? else { return Ok(0) };
    let day = (context.now() - GRACE).date_naive();
    let (after, closed) = close_ended(tx, before.clone(), day, payment, &context).await?;
    let after = after.with_overdue_invoice(tx.has_overdue_invoice(context.now()).await?);
    context.store(tx, &before, &after).await?;
    Ok(closed)
}

#[expect(clippy::disallowed_methods, reason = "the directory names the tenant: it has a period to close")]
const fn scope(tenant: TenantId) -> TenantScope {
    TenantScope::mint(tenant)
}

#[cfg(test)]
mod tests {
    use audit::{Action, target};
    use billing::{InvoiceStatus, MoneyError, Plan, Subscription, SubscriptionStatus};

    use super::*;
    use crate::fake::{FakeStore, at, changes, day, plan, run};

    fn starter() -> Plan {
        plan("starter", 2_900, 100, 5)
    }

    /// A tenant on the plan `starter` since that day. Now is 15 January 2027, 8:00.
    fn subscribed(since: &str) -> FakeStore {
        let mut store = FakeStore::new();
        store.subscribe(&starter(), day(since));
        store.offer(&plan("business", 9_900, 1_000, 3), true);
        store
    }

    fn close(store: &mut FakeStore) -> Result<usize, ClosePeriodError> {
        let clock = store.clock.clone();
        run(close_tenant_periods(store, Principal::System, PaymentTerms::days(10).unwrap(), &*clock))
    }

    fn totals(store: &FakeStore) -> Vec<(u64, String, i64)> {
        let invoices = store.billing.invoices.iter();
        invoices.map(|it| (it.number, it.period.start().to_string(), it.total.minor())).collect()
    }

    #[test]
    fn tenant_without_subscription_has_nothing_to_close() {
        let mut store = FakeStore::new();
        assert_eq!(close(&mut store).unwrap(), 0);
        assert!(store.audit_log.is_empty());
    }

    #[test]
    fn period_is_closed_an_hour_after_its_end() {
        let mut store = subscribed("2026-12-15");
        store.clock.advance(TimeDelta::hours(-7) - TimeDelta::seconds(1));
        assert_eq!(close(&mut store).unwrap(), 0);
        store.clock.advance(TimeDelta::seconds(1));
        assert_eq!(close(&mut store).unwrap(), 1);
    }

    #[test]
    fn missed_periods_are_closed_in_order() {
        let mut store = subscribed("2026-09-30");
        store.billing.messages = [
            (day("2026-10-29"), 101),
            (day("2026-10-30"), 40),
            (day("2026-11-29"), 70),
            (day("2026-12-01"), 99),
            (day("2026-12-30"), 500),
        ]
        .into();
        assert_eq!(close(&mut store).unwrap(), 3);
        let expected = [(1, "2026-09-30", 2_905), (2, "2026-10-30", 2_950), (3, "2026-11-30", 2_900)];
        assert_eq!(totals(&store), expected.map(|(number, start, total)| (number, start.to_owned(), total)));
        assert_eq!(store.subscription().period.start(), day("2026-12-30"));
        assert_eq!(store.subscription().version, 4);
    }

    #[test]
    fn second_run_writes_no_further_invoice() {
        let mut store = subscribed("2026-12-10");
        assert_eq!(close(&mut store).unwrap(), 1);
        let after = store.subscription().clone();
        assert_eq!(close(&mut store).unwrap(), 0);
        assert_eq!((store.subscription(), store.billing.invoices.len()), (&after, 1));
    }

    #[test]
    fn next_invoice_continues_the_numbers() {
        let mut store = subscribed("2026-12-10");
        close(&mut store).unwrap();
        store.clock.advance(TimeDelta::days(31));
        close(&mut store).unwrap();
        assert_eq!(store.billing.invoices.iter().map(|invoice| invoice.number).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn new_price_applies_from_the_next_period() {
        let mut store = subscribed("2026-11-10");
        store.offer(&plan("starter", 3_500, 100, 5), true);
        close(&mut store).unwrap();
        assert_eq!(store.billing.invoices.iter().map(|it| it.total.minor()).collect::<Vec<_>>(), [2_900, 3_500]);
        assert_eq!(store.subscription().plan, plan("starter", 3_500, 100, 5));
    }

    #[test]
    fn renewal_is_audited_by_its_invoice_alone() {
        let mut store = subscribed("2026-12-10");
        store.billing.messages.insert(day("2026-12-24"), 104);
        close(&mut store).unwrap();
        let [record] = &store.audit_log[..] else { panic!("{:?}", store.audited()) };
        assert_eq!((record.action, record.actor), (Action::InvoiceClosed, Principal::System));
        let about = record.target.as_ref().unwrap();
        assert_eq!((about.kind, &about.id), (target::INVOICE, &store.billing.invoices[0].id.to_string()));
        assert_eq!(
            changes(record),
            [
                r#"currency="EUR""#,
                "inbound_messages=104",
                "number=1",
                r#"period_end="2027-01-10""#,
                r#"period_start="2026-12-10""#,
                r#"plan_code="starter""#,
                "total_minor=2920"
            ]
        );
    }

    #[test]
    fn chosen_plan_starts_with_the_next_period() {
        let mut store = subscribed("2026-12-10");
        let waiting = Subscription { next_plan: "business".parse().ok(), ..store.subscription().clone() };
        store.billing.subscription = Some(waiting);
        close(&mut store).unwrap();
        assert_eq!(store.subscription().plan, plan("business", 9_900, 1_000, 3));
        assert_eq!(store.audited(), [Action::InvoiceClosed, Action::SubscriptionChanged]);
        assert_eq!(store.audit_log[1].changes["plan_code"], "business");
        assert_eq!(store.audit_log[1].changes["period_start"], "2027-01-10");
    }

    #[test]
    fn trial_without_a_chosen_plan_is_canceled() {
        let mut store = subscribed("2026-12-10");
        store.billing.subscription = Some(Subscription::trial(plan("trial", 0, 100, 0), day("2026-12-10")));
        close(&mut store).unwrap();
        assert_eq!(store.subscription().status, SubscriptionStatus::Canceled);
        assert_eq!(store.billing.invoices[0].status, InvoiceStatus::Paid);
        assert_eq!(store.audit_log[1].changes["status"], "canceled");
        // Afterwards nothing is billed any more.
        store.clock.advance(TimeDelta::days(365));
        assert_eq!(close(&mut store).unwrap(), 0);
    }

    #[test]
    fn subscription_is_past_due_when_payment_is_overdue() {
        let mut store = subscribed("2026-12-10");
        close(&mut store).unwrap();
        assert_eq!(store.billing.invoices[0].due_at, at(10 * 86_400));
        store.clock.advance(TimeDelta::days(10) - TimeDelta::seconds(1));
        close(&mut store).unwrap();
        assert_eq!(store.subscription().status, SubscriptionStatus::Active);
        store.clock.advance(TimeDelta::seconds(1));
        for _ in 0..2 {
            assert_eq!(close(&mut store).unwrap(), 0);
            assert_eq!(store.subscription().status, SubscriptionStatus::PastDue);
        }
        // Recorded once, although both runs found the invoice overdue.
        assert_eq!(store.audited(), [Action::InvoiceClosed, Action::SubscriptionChanged]);
    }

    #[test]
    fn missing_plan_of_the_next_period_is_an_error() {
        let mut store = subscribed("2026-12-10");
        store.billing.plans.clear();
        let before = store.subscription().clone();
        assert!(matches!(close(&mut store), Err(ClosePeriodError::Store(StoreError::Other(_)))));
        assert_eq!(store.subscription(), &before);
    }

    #[test]
    fn amount_that_does_not_fit_closes_no_period() {
        let mut store = subscribed("2026-12-10");
        store.billing.messages.insert(day("2026-12-24"), u64::MAX);
        assert!(matches!(close(&mut store), Err(ClosePeriodError::Amount(MoneyError::Overflow))));
        assert!(store.billing.invoices.is_empty() && store.audit_log.is_empty());
    }
}
