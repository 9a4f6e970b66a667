use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use kernel::ids::{InvoiceId, TenantId};
use kernel::{Page, PageRequest, StoreError};

use crate::{
    DailyUsage, Invoice, MeteredMessage, Offer, Period, PlanCode, SentCount, SentMessage, Subscription, UsageRange,
};

/// The catalogue, as tenants see it.
#[async_trait]
pub trait PlanRepo: Send {
    /// The available plans: cheapest first, the trial last.
    async fn available_plans(&mut self) -> Result<Vec<Offer>, StoreError>;
    /// The plan with this code, whether or not it is available.
    async fn plan(&mut self, code: &PlanCode) -> Result<Option<Offer>, StoreError>;
}

/// The catalogue, as operators see it.
#[async_trait]
pub trait PlanCatalogue: Send {
    /// Cheapest first, the trial last.
    async fn all_plans(&mut self) -> Result<Vec<Offer>, StoreError>;
    /// Inserts a plan, or replaces the one with its code.
    async fn save_plan(&mut self, offer: &Offer, now: DateTime<Utc>) -> Result<(), StoreError>;
}

/// The subscription of the transaction's tenant.
#[async_trait]
pub trait SubscriptionRepo: Send {
    async fn subscription(&mut self) -> Result<Option<Subscription>, StoreError>;
    /// Reads and locks the subscription: until the transaction ends, no other transaction changes it, closes a period or counts a
    /// message. Waits for transactions that are counting messages.
    async fn lock_subscription(&mut self) -> Result<Option<Subscription>, StoreError>;
    async fn insert_subscription(&mut self, subscription: &Subscription, now: DateTime<Utc>) -> Result<(), StoreError>;
    async fn update_subscription(&mut self, subscription: &Subscription, now: DateTime<Utc>) -> Result<(), StoreError>;
}

/// The usage of the transaction's tenant.
#[async_trait]
pub trait UsageRepo: Send {
    /// Counts messages, in one statement. A message of a closed period counts on the first day of the current one.
    async fn count_messages(&mut self, messages: &[MeteredMessage]) -> Result<(), StoreError>;
    /// The number of inbound messages in a period.
    async fn messages_in(&mut self, period: Period) -> Result<u64, StoreError>;
    /// The days with usage, in any order.
    async fn daily_usage(&mut self, range: UsageRange) -> Result<Vec<DailyUsage>, StoreError>;
    /// The number of distinct contacts that wrote in the range.
    async fn contacts_active_in(&mut self, range: UsageRange) -> Result<u64, StoreError>;
}

/// What the transaction's tenant has sent.
#[async_trait]
pub trait SentUsageRepo: Send {
    /// Counts sent messages, in one statement.
    async fn count_sent_messages(&mut self, messages: &[SentMessage]) -> Result<(), StoreError>;
    /// The days and categories with sent messages, in any order.
    async fn sent_messages(&mut self, range: UsageRange) -> Result<Vec<SentCount>, StoreError>;
}

/// Usage details of all tenants.
#[async_trait]
pub trait UsageHousekeeping: Send {
    /// Forgets which contacts were counted on days before the given one, at most `limit`. Returns their number.
    async fn purge_usage_details(&mut self, before: NaiveDate, limit: i64) -> Result<usize, StoreError>;
}

/// The invoices of the transaction's tenant.
#[async_trait]
pub trait InvoiceRepo: Send {
    /// Latest first.
    async fn invoices(&mut self, page: &PageRequest) -> Result<Page<Invoice>, StoreError>;
    async fn invoice(&mut self, id: InvoiceId) -> Result<Option<Invoice>, StoreError>;
    /// The number of the next invoice; unique while the subscription is locked.
    async fn next_invoice_number(&mut self) -> Result<u64, StoreError>;
    async fn insert_invoice(&mut self, invoice: &Invoice) -> Result<(), StoreError>;
    /// Marks an invoice as paid; `false` if it was not open.
    async fn record_payment(&mut self, id: InvoiceId, now: DateTime<Utc>) -> Result<bool, StoreError>;
    /// Whether an invoice is overdue.
    async fn has_overdue_invoice(&mut self, now: DateTime<Utc>) -> Result<bool, StoreError>;
}

/// The tenants that billing has to process.
#[async_trait]
pub trait BillingDirectory: Send {
    /// Tenants with a period that ended by that day, or with an overdue invoice that changes their status; ordered by id, after
    /// the given one.
    async fn tenants_to_bill(
        &mut self,
        day: NaiveDate,
        now: DateTime<Utc>,
        after: Option<TenantId>,
        limit: i32,
    ) -> Result<Vec<TenantId>, StoreError>;
    async fn tenant_of_invoice(&mut self, id: InvoiceId) -> Result<Option<TenantId>, StoreError>;
}
