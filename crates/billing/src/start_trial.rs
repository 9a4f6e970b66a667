use chrono::{DateTime, Utc};
use kernel::StoreError;

use crate::{PlanCode, PlanRepo, Subscription, SubscriptionRepo};

/// Gives a new tenant its trial subscription, in the transaction that creates the tenant.
///
/// # Errors
/// [`StoreError`].
pub async fn start_trial<Repo: PlanRepo + SubscriptionRepo + ?Sized>(
    repo: &mut Repo,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let offer =
        repo.plan(&PlanCode::trial()).await?.ok_or_else(|| StoreError::corrupt("plans: the trial is missing"))?;
    repo.insert_subscription(&Subscription::trial(offer.plan, now.date_naive()), now).await
}
