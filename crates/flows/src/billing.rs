//! Changing subscriptions, closing billing periods and recording payments, with audit records.
//!
//! The order is always the same: lock the subscription, close the periods that have ended, make the change. So concurrent
//! transactions close a period once, and invoice numbers have no gaps.

mod change_subscription;
mod close_billing_periods;
mod close_period;
mod pay_invoice;
mod save_plan;

use ::billing::{InvoiceRepo, MoneyError, PlanRepo, SubscriptionRepo, UsageRepo};
use audit::{Action, AuditRepo, Principal, Record, RequestOrigin};
use chrono::{DateTime, Utc};
use kernel::{Clock, StoreError};

use ::billing::Subscription;

pub use change_subscription::{ChangeSubscriptionError, ChosenPlan, change_subscription};
pub use close_billing_periods::{BillingRun, TenantBillingFailure, close_billing_periods, close_tenant_periods};
pub use pay_invoice::{PayInvoiceError, pay_invoice};
pub use save_plan::{SavePlanTx, save_plan};

/// What the billing use cases need of a tenant's transaction.
pub trait BillingTx: PlanRepo + SubscriptionRepo + UsageRepo + InvoiceRepo + AuditRepo {}

impl<T: PlanRepo + SubscriptionRepo + UsageRepo + InvoiceRepo + AuditRepo + ?Sized> BillingTx for T {}

/// Why a period was not closed.
#[derive(Debug, thiserror::Error)]
pub enum ClosePeriodError {
    #[error(transparent)]
    Amount(#[from] MoneyError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who changes a tenant's billing, from where and when.
struct BillingContext<'d> {
    by: Principal,
    origin: RequestOrigin,
    clock: &'d dyn Clock,
}

impl BillingContext<'_> {
    fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    fn record(&self, action: Action) -> Record {
        Record::new(self.by, self.origin.clone(), action, self.clock)
    }

    /// Stores a subscription if it changed, with an audit record unless only its period was renewed.
    async fn store(
        &self,
        tx: &mut dyn BillingTx,
        before: &Subscription,
        after: &Subscription,
    ) -> Result<(), StoreError> {
        if before == after {
            return Ok(());
        }
        tx.update_subscription(after, self.now()).await?;
        let audited_fields =
            |it: &Subscription| (it.status, it.plan.clone(), it.next_plan.clone(), it.cancel_at_period_end);
        if audited_fields(before) == audited_fields(after) {
            // Only a new period: the audit record of the invoice covers it.
            return Ok(());
        }
        let record = self
            .record(Action::SubscriptionChanged)
            .with("status", after.status.into_str())
            .with("plan_code", after.plan.code.as_str())
            .with("next_plan_code", after.next_plan.as_ref().map(|code| code.as_str().to_owned()))
            .with("cancel_at_period_end", after.cancel_at_period_end)
            .with("period_start", after.period.start().to_string());
        tx.append_audit_record(&record).await
    }
}
