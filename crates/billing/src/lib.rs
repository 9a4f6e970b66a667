#![doc = include_str!("../README.md")]
#![deny(clippy::future_not_send)]

mod invoice;
mod money;
mod period;
mod plan;
mod ports;
mod read;
mod start_trial;
mod subscription;
mod usage;

pub use invoice::{Invoice, InvoiceLine, InvoiceStatus, PaymentTerms};
pub use money::{Currency, InvalidCurrency, Money, MoneyError};
pub use period::Period;
pub use plan::{InvalidPlan, Offer, Plan, PlanCode, PlanName, Terms};
pub use ports::{
    BillingDirectory, InvoiceRepo, PlanCatalogue, PlanRepo, SentUsageRepo, SubscriptionRepo, UsageHousekeeping,
    UsageRepo,
};
pub use read::{RunningSubscription, invoice, invoices, plans, subscription, usage};
pub use start_trial::start_trial;
pub use subscription::{PlanChange, PlanChangeRefused, Subscription, SubscriptionStatus};
pub use usage::{
    DailyUsage, InvalidUsageRange, MeteredMessage, SentCount, SentMessage, SentMessages, Usage, UsageDay, UsageRange,
};
