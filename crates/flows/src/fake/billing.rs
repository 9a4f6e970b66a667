use std::collections::BTreeMap;

use async_trait::async_trait;
use billing::{
    DailyUsage, Invoice, InvoiceRepo, InvoiceStatus, MeteredMessage, Money, Offer, Period, Plan, PlanCatalogue,
    PlanCode, PlanRepo, SentCount, SentMessage, SentUsageRepo, Subscription, SubscriptionRepo, SubscriptionStatus,
    Terms, UsageRange, UsageRepo,
};
use chrono::{DateTime, NaiveDate, Utc};
use kernel::ids::InvoiceId;
use kernel::{Page, PageRequest, StoreError};

use super::{FakeStore, conflict};

/// Plans, and the subscription, usage and invoices of the tenant.
#[derive(Debug, Default)]
pub(crate) struct FakeBilling {
    pub(crate) plans: Vec<Offer>,
    pub(crate) subscription: Option<Subscription>,
    pub(crate) is_locked: bool,
    /// Inbound messages of each day.
    pub(crate) messages: BTreeMap<NaiveDate, u64>,
    pub(crate) invoices: Vec<Invoice>,
}

impl FakeStore {
    /// Adds a plan to the catalogue, or replaces the one with its code.
    pub(crate) fn offer(&mut self, plan: &Plan, available: bool) {
        self.billing.plans.retain(|offer| offer.plan.code != plan.code);
        self.billing.plans.push(Offer { plan: plan.clone(), available });
    }

    /// Gives the tenant an active subscription to a plan, in its first period.
    pub(crate) fn subscribe(&mut self, plan: &Plan, since: NaiveDate) {
        self.offer(plan, true);
        let trial = Subscription::trial(plan.clone(), since);
        self.billing.subscription = Some(Subscription { status: SubscriptionStatus::Active, ..trial });
    }

    pub(crate) fn subscription(&self) -> &Subscription {
        self.billing.subscription.as_ref().unwrap()
    }
}

/// A plan in euros: price of a month, included messages, and price of each further message, in cents.
pub(crate) fn plan(code: &str, month: i64, included: u64, message: i64) -> Plan {
    let euros = |minor| Money::new(minor, "EUR".parse().unwrap());
    let terms = Terms::new(euros(month), included, euros(message)).unwrap();
    Plan::new(code.parse().unwrap(), code.to_uppercase().parse().unwrap(), terms).unwrap()
}

pub(crate) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

#[async_trait]
impl PlanRepo for FakeStore {
    async fn available_plans(&mut self) -> Result<Vec<Offer>, StoreError> {
        unreachable!("no use case of this crate lists plans")
    }

    async fn plan(&mut self, code: &PlanCode) -> Result<Option<Offer>, StoreError> {
        Ok(self.billing.plans.iter().find(|offer| offer.plan.code == *code).cloned())
    }
}

#[async_trait]
impl PlanCatalogue for FakeStore {
    async fn all_plans(&mut self) -> Result<Vec<Offer>, StoreError> {
        unreachable!("no use case of this crate lists plans")
    }

    async fn save_plan(&mut self, offer: &Offer, _: DateTime<Utc>) -> Result<(), StoreError> {
        self.offer(&offer.plan, offer.available);
        Ok(())
    }
}

#[async_trait]
impl SubscriptionRepo for FakeStore {
    async fn subscription(&mut self) -> Result<Option<Subscription>, StoreError> {
        Ok(self.billing.subscription.clone())
    }

    async fn lock_subscription(&mut self) -> Result<Option<Subscription>, StoreError> {
        self.billing.is_locked = true;
        Ok(self.billing.subscription.clone())
    }

    async fn insert_subscription(&mut self, subscription: &Subscription, _: DateTime<Utc>) -> Result<(), StoreError> {
        if self.billing.subscription.is_some() {
            return Err(conflict("subscriptions_pkey"));
        }
        self.billing.subscription = Some(subscription.clone());
        Ok(())
    }

    async fn update_subscription(&mut self, subscription: &Subscription, _: DateTime<Utc>) -> Result<(), StoreError> {
        assert!(self.billing.is_locked, "another transaction may have changed the subscription");
        self.billing.subscription = Some(subscription.clone());
        Ok(())
    }
}

#[async_trait]
impl UsageRepo for FakeStore {
    async fn count_messages(&mut self, messages: &[MeteredMessage]) -> Result<(), StoreError> {
        for message in messages {
            let start = self.billing.subscription.as_ref().map(|it| it.period.start());
            *self.billing.messages.entry(start.map_or(message.day, |start| message.day.max(start))).or_default() += 1;
        }
        Ok(())
    }

    async fn messages_in(&mut self, period: Period) -> Result<u64, StoreError> {
        Ok(self.billing.messages.range(period.start()..period.end()).map(|(_, messages)| messages).sum())
    }

    async fn daily_usage(&mut self, _: UsageRange) -> Result<Vec<DailyUsage>, StoreError> {
        unreachable!("no use case of this crate reads the usage of days")
    }

    async fn contacts_active_in(&mut self, _: UsageRange) -> Result<u64, StoreError> {
        unreachable!("no use case of this crate reads the usage of days")
    }
}

#[async_trait]
impl SentUsageRepo for FakeStore {
    async fn count_sent_messages(&mut self, _: &[SentMessage]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn sent_messages(&mut self, _: UsageRange) -> Result<Vec<SentCount>, StoreError> {
        unreachable!("no use case of this crate reads what was sent")
    }
}

#[async_trait]
impl InvoiceRepo for FakeStore {
    async fn invoices(&mut self, _: &PageRequest) -> Result<Page<Invoice>, StoreError> {
        unreachable!("no use case of this crate lists invoices")
    }

    async fn invoice(&mut self, id: InvoiceId) -> Result<Option<Invoice>, StoreError> {
        Ok(self.billing.invoices.iter().find(|invoice| invoice.id == id).cloned())
    }

    async fn next_invoice_number(&mut self) -> Result<u64, StoreError> {
        assert!(self.billing.is_locked, "another transaction may use the same number");
        Ok(self.billing.invoices.iter().map(|invoice| invoice.number).max().unwrap_or_default() + 1)
    }

    async fn insert_invoice(&mut self, new: &Invoice) -> Result<(), StoreError> {
        let has = |same: fn(&Invoice, &Invoice) -> bool| self.billing.invoices.iter().any(|stored| same(stored, new));
        if has(|a, b| a.number == b.number) {
            return Err(conflict("invoices_tenant_id_number_key"));
        }
        if has(|a, b| a.period.start() == b.period.start()) {
            return Err(conflict("invoices_tenant_id_period_start_key"));
        }
        self.billing.invoices.push(new.clone());
        Ok(())
    }

    async fn record_payment(&mut self, id: InvoiceId, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let is_open = |invoice: &&mut Invoice| invoice.id == id && invoice.status == InvoiceStatus::Open;
        let Some(invoice) = self.billing.invoices.iter_mut().find(is_open) else { return Ok(false) };
        (invoice.status, invoice.paid_at) = (InvoiceStatus::Paid, Some(now));
        Ok(true)
    }

    async fn has_overdue_invoice(&mut self, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let is_overdue = |invoice: &Invoice| invoice.status == InvoiceStatus::Open && invoice.due_at <= now;
        Ok(self.billing.invoices.iter().any(is_overdue))
    }
}
