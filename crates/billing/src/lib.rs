//! What a tenant pays for: plans, the subscription to one of them, metered usage, invoices.
//!
//! Invariants this crate holds, together with the constraints of the database:
//! - money is whole minor units of one currency; what does not fit is an error, never a wrong amount;
//! - the lines of an invoice add up to its total;
//! - a day belongs to at most one invoice, and a period has one invoice, however often and by whomever it is closed;
//! - a plan that changes in the catalogue changes neither the running period nor an invoice: a [`Subscription`] has the plan
//!   as it was when the period began.
//!
//! What is computed is pure: [`Period`], [`Subscription`] and [`Invoice::close`] know neither clock nor database. Choosing a
//! plan, closing periods and noting payments are written to the audit log, too, so those use cases are in `flows`; reading is
//! in `read.rs`. To add to it: the port in `ports.rs`, the adapter's half in `crates/postgres/src/billing/`.

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
pub use ports::{BillingDirectory, InvoiceRepo, PlanCatalogue, PlanRepo, SubscriptionRepo, UsageRepo};
pub use read::{RunningSubscription, invoice, invoices, plans, subscription, usage};
pub use start_trial::start_trial;
pub use subscription::{PlanChange, PlanChangeRefused, Subscription, SubscriptionStatus};
pub use usage::{DailyUsage, InvalidUsageRange, MeteredMessage, Usage, UsageRange};
