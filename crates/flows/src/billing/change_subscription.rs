use audit::{Actor, Origin};
use billing::{CannotChoose, Choice, PaymentTerms, Plan, PlanCode, RunningSubscription, Subscription};
use kernel::{BillingWrite, Clock, Permit, StoreError};

use super::close_period::{close, close_ended};
use super::{BillingTx, ClosePeriodError, Deed};

/// What a tenant wants to have.
#[derive(Clone, Debug)]
pub struct ChosenPlan {
    pub plan: PlanCode,
    /// For no longer than the running period.
    pub cancel_at_period_end: bool,
    /// Of the subscription that somebody looked at before they chose, if they say so.
    pub version: Option<i64>,
}

#[derive(Debug, thiserror::Error)]
pub enum ChangeSubscriptionError {
    #[error("the tenant has no subscription")]
    NotFound,
    /// There is no such plan, or it cannot be had any more.
    #[error("there is no such plan")]
    UnknownPlan,
    #[error(transparent)]
    CannotChoose(#[from] CannotChoose),
    #[error("the subscription was changed meanwhile")]
    StaleVersion,
    #[error(transparent)]
    Close(#[from] ClosePeriodError),
}

/// Puts the tenant on a plan: at once if there is only a trial or nothing, else from the next period on. To choose what there
/// is already changes nothing. Answers the subscription as it is now.
///
/// # Errors
/// [`ChangeSubscriptionError`].
pub async fn change_subscription(
    permit: Permit<BillingWrite>,
    tx: &mut dyn BillingTx,
    chosen: ChosenPlan,
    payment: PaymentTerms,
    origin: Origin,
    clock: &dyn Clock,
) -> Result<RunningSubscription, ChangeSubscriptionError> {
    let deed = Deed { by: Actor::User(permit.user()), origin, clock };
    let today = clock.now().date_naive();
    let before = tx.lock_subscription().await?.ok_or(ChangeSubscriptionError::NotFound)?;
    if chosen.version.is_some_and(|version| version != before.version) {
        return Err(ChangeSubscriptionError::StaleVersion);
    }
    // What has ended was agreed on before.
    let (current, _) = close_ended(tx, before.clone(), today, payment, &deed).await?;
    let plan = find_plan(tx, &current, &chosen.plan).await?;
    let after = match current.choose(plan, chosen.cancel_at_period_end, today)? {
        Choice::Unchanged => current,
        Choice::Later(after) => after,
        Choice::Now { ended, subscription } => {
            if let Some(ended) = ended {
                close(tx, &current.plan, ended, payment, &deed).await?;
            }
            subscription
        }
    };
    let after = after.with_debts(tx.has_late_invoice(deed.now()).await?);
    deed.store(tx, &before, &after).await?;
    Ok(RunningSubscription::read(tx, after).await?)
}

/// The plan by its code. Who has it already keeps it, at what it costs them, also if others cannot have it any more.
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
