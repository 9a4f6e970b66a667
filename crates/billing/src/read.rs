//! Use cases that read.

use kernel::ids::InvoiceId;
use kernel::{BillingRead, Page, PageRequest, Permit, StoreError};

use crate::{
    Invoice, InvoiceRepo, Offer, PlanRepo, SentUsageRepo, Subscription, SubscriptionRepo, Usage, UsageRange, UsageRepo,
};

/// A subscription, and the usage of its current period.
#[derive(Clone, Debug)]
pub struct RunningSubscription {
    pub subscription: Subscription,
    pub inbound_messages: u64,
}

/// # Errors
/// [`StoreError`].
pub async fn plans(_permit: Permit<BillingRead>, repo: &mut dyn PlanRepo) -> Result<Vec<Offer>, StoreError> {
    repo.available_plans().await
}

/// The tenant's subscription; `None` if it has none.
///
/// # Errors
/// [`StoreError`].
pub async fn subscription<Repo: SubscriptionRepo + UsageRepo + ?Sized>(
    _permit: Permit<BillingRead>,
    repo: &mut Repo,
) -> Result<Option<RunningSubscription>, StoreError> {
    match repo.subscription().await? {
        Some(subscription) => RunningSubscription::read(repo, subscription).await.map(Some),
        None => Ok(None),
    }
}

impl RunningSubscription {
    /// # Errors
    /// [`StoreError`].
    pub async fn read<Repo: UsageRepo + ?Sized>(
        repo: &mut Repo,
        subscription: Subscription,
    ) -> Result<Self, StoreError> {
        let inbound_messages = repo.messages_in(subscription.period).await?;
        Ok(Self { subscription, inbound_messages })
    }
}

/// # Errors
/// [`StoreError`].
pub async fn usage<Repo: UsageRepo + SentUsageRepo + ?Sized>(
    _permit: Permit<BillingRead>,
    repo: &mut Repo,
    range: UsageRange,
) -> Result<Usage, StoreError> {
    let days = repo.daily_usage(range).await?;
    let contacts = repo.contacts_active_in(range).await?;
    let sent = repo.sent_messages(range).await?;
    Ok(range.usage(days, &sent, contacts))
}

/// # Errors
/// [`StoreError`].
pub async fn invoices(
    _permit: Permit<BillingRead>,
    repo: &mut dyn InvoiceRepo,
    page: &PageRequest,
) -> Result<Page<Invoice>, StoreError> {
    repo.invoices(page).await
}

/// # Errors
/// [`StoreError`].
pub async fn invoice(
    _permit: Permit<BillingRead>,
    repo: &mut dyn InvoiceRepo,
    id: InvoiceId,
) -> Result<Option<Invoice>, StoreError> {
    repo.invoice(id).await
}
