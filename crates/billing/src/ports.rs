use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use kernel::ids::{InvoiceId, TenantId};
use kernel::{Page, PageRequest, StoreError};

use crate::{DailyUsage, Invoice, MeteredMessage, Offer, Period, PlanCode, Subscription, UsageRange};

/// The catalogue, as tenants see it.
#[async_trait]
pub trait PlanRepo: Send {
    /// All that can be had: cheapest first, the trial last.
    async fn available_plans(&mut self) -> Result<Vec<Offer>, StoreError>;
    /// Also one that cannot be had any more.
    async fn plan(&mut self, code: &PlanCode) -> Result<Option<Offer>, StoreError>;
}

/// The catalogue, as operators see it.
#[async_trait]
pub trait PlanCatalogue: Send {
    /// Cheapest first, the trial last.
    async fn all_plans(&mut self) -> Result<Vec<Offer>, StoreError>;
    /// Adds a plan, or takes the place of the one with its code.
    async fn save_plan(&mut self, offer: &Offer, now: DateTime<Utc>) -> Result<(), StoreError>;
}

/// The subscription of the transaction's tenant.
#[async_trait]
pub trait SubscriptionRepo: Send {
    async fn subscription(&mut self) -> Result<Option<Subscription>, StoreError>;
    /// The same, and until this transaction ends nobody changes it, closes a period, or counts a message. Who is counting one
    /// is waited for.
    async fn lock_subscription(&mut self) -> Result<Option<Subscription>, StoreError>;
    async fn insert_subscription(&mut self, subscription: &Subscription, now: DateTime<Utc>) -> Result<(), StoreError>;
    async fn update_subscription(&mut self, subscription: &Subscription, now: DateTime<Utc>) -> Result<(), StoreError>;
}

/// What the transaction's tenant used.
#[async_trait]
pub trait UsageRepo: Send {
    /// Counts messages, in one statement. One of a period that is closed counts on the first day of the running one.
    async fn count_messages(&mut self, messages: &[MeteredMessage]) -> Result<(), StoreError>;
    /// Inbound messages of a period.
    async fn messages_in(&mut self, period: Period) -> Result<u64, StoreError>;
    /// The days on which anything was used, in any order.
    async fn daily_usage(&mut self, range: UsageRange) -> Result<Vec<DailyUsage>, StoreError>;
    /// Contacts that wrote in the range, each once.
    async fn contacts_active_in(&mut self, range: UsageRange) -> Result<u64, StoreError>;
}

/// The invoices of the transaction's tenant.
#[async_trait]
pub trait InvoiceRepo: Send {
    /// Latest first.
    async fn invoices(&mut self, page: &PageRequest) -> Result<Page<Invoice>, StoreError>;
    async fn invoice(&mut self, id: InvoiceId) -> Result<Option<Invoice>, StoreError>;
    /// The number for the next one: nobody else gets it while the subscription is locked.
    async fn next_invoice_number(&mut self) -> Result<u64, StoreError>;
    async fn insert_invoice(&mut self, invoice: &Invoice) -> Result<(), StoreError>;
    /// Whether it was open.
    async fn record_payment(&mut self, id: InvoiceId, now: DateTime<Utc>) -> Result<bool, StoreError>;
    /// Whether an invoice is due and was not paid.
    async fn has_overdue_invoice(&mut self, now: DateTime<Utc>) -> Result<bool, StoreError>;
}

/// For whom there is something to do.
#[async_trait]
pub trait BillingDirectory: Send {
    /// Tenants with a period that ended before a day, or with an invoice that is due and makes a difference: in the order of
    /// their ids, behind one of them.
    async fn tenants_to_bill(
        &mut self,
        day: NaiveDate,
        now: DateTime<Utc>,
        after: Option<TenantId>,
        limit: i32,
    ) -> Result<Vec<TenantId>, StoreError>;
}
