//! What a tenant pays for, where it is written to the audit log, too.
//!
//! The order is always the same: the subscription is locked, periods that have ended are closed, what is asked for is done.
//! So a period is closed once, and invoices get their numbers one after the other, whoever else is at it.

mod change_subscription;
mod close_period;
mod close_periods;
mod pay_invoice;
mod save_plan;

use ::billing::{InvoiceRepo, MoneyError, PlanRepo, SubscriptionRepo, UsageRepo};
use audit::{Action, Actor, AuditRepo, Origin, Record};
use chrono::{DateTime, Utc};
use kernel::{Clock, StoreError};

use ::billing::Subscription;

pub use change_subscription::{ChangeSubscriptionError, ChosenPlan, change_subscription};
pub use close_periods::{CloseFailure, ClosedPeriods, close_periods, close_periods_of};
pub use pay_invoice::{PayInvoiceError, pay_invoice};
pub use save_plan::{PlanTx, save_plan};

/// What billing needs.
pub trait BillingTx: PlanRepo + SubscriptionRepo + UsageRepo + InvoiceRepo + AuditRepo {}

impl<T: PlanRepo + SubscriptionRepo + UsageRepo + InvoiceRepo + AuditRepo + ?Sized> BillingTx for T {}

/// Why a period could not be closed.
#[derive(Debug, thiserror::Error)]
pub enum ClosePeriodError {
    #[error(transparent)]
    Amount(#[from] MoneyError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who does something to a tenant's billing, and when.
struct Deed<'d> {
    by: Actor,
    origin: Origin,
    clock: &'d dyn Clock,
}

impl Deed<'_> {
    fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    fn record(&self, action: Action) -> Record {
        Record::new(self.by, self.origin.clone(), action, self.clock)
    }

    /// Stores a subscription and tells what is different, if anything is.
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
        let told = |it: &Subscription| (it.status, it.plan.clone(), it.next_plan.clone(), it.cancel_at_period_end);
        if told(before) == told(after) {
            // A period has begun, which its predecessor's invoice tells.
            return Ok(());
        }
        let record = self
            .record(Action::SubscriptionChanged)
            .with("status", after.status.key())
            .with("plan_code", after.plan.code.as_str())
            .with("next_plan_code", after.next_plan.as_ref().map(|code| code.as_str().to_owned()))
            .with("cancel_at_period_end", after.cancel_at_period_end)
            .with("period_start", after.period.start().to_string());
        tx.append_audit_record(&record).await
    }
}
