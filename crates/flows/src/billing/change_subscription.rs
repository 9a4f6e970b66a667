use audit::{Principal, RequestOrigin};
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
    let context = BillingContext { by: Principal::User(permit.user()), origin, clock };
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
