//! Plans, subscriptions, metered usage and invoices of tenants.
//!
//! Invariants this crate holds, together with the constraints of the database:
//! - money is an integer of minor units of one currency; overflow is an error, never a wrong amount;
//! - the lines of an invoice add up to its total;
//! - a day belongs to at most one invoice, and a period has one invoice, however often it is closed;
//! - a change of a plan in the catalogue affects neither the current period nor an invoice: a [`Subscription`] holds the plan as
//!   it was when the period began.
//!
//! The rules are pure: [`Period`], [`Subscription`] and [`Invoice::close`] use no database. Choosing a plan, closing periods and
//! recording payments also write to the audit log, so those use cases are in `flows`; reading is in `read.rs`.
//!
//! To add to it: the port in `ports.rs`, the SQL in `crates/postgres/src/billing/`.

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
