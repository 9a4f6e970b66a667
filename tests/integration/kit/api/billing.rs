//! Plans, subscriptions, usage and invoices.

use serde::Deserialize;

use super::Resource;

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Money {
    pub(crate) amount_minor: i64,
    pub(crate) currency: String,
}

impl Money {
    pub(crate) fn euro_cents(amount_minor: i64) -> Self {
        Self { amount_minor, currency: "EUR".to_owned() }
    }
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Plan {
    pub(crate) code: String,
    pub(crate) name: String,
    pub(crate) price: Money,
    pub(crate) included_messages: i64,
    pub(crate) price_per_message: Money,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Subscription {
    pub(crate) plan_code: String,
    pub(crate) status: String,
    pub(crate) period_start: String,
    pub(crate) period_end: String,
    pub(crate) next_plan_code: Option<String>,
    pub(crate) cancel_at_period_end: bool,
    pub(crate) price: Money,
    pub(crate) included_messages: i64,
    pub(crate) price_per_message: Money,
    pub(crate) usage: PeriodUsage,
    pub(crate) version: i64,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct PeriodUsage {
    pub(crate) inbound_messages: u64,
    pub(crate) further_messages: u64,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Usage {
    pub(crate) days: Vec<DailyUsage>,
    pub(crate) total: TotalUsage,
    pub(crate) stored_media: StoredMedia,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct StoredMedia {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct DailyUsage {
    pub(crate) date: String,
    pub(crate) inbound_messages: u64,
    pub(crate) active_contacts: u64,
    pub(crate) outbound_messages: SentMessages,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct SentMessages {
    pub(crate) service: u64,
    pub(crate) utility: u64,
    pub(crate) authentication: u64,
    pub(crate) marketing: u64,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct TotalUsage {
    pub(crate) inbound_messages: u64,
    pub(crate) active_contacts: u64,
    pub(crate) outbound_messages: SentMessages,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Invoice {
    pub(crate) id: String,
    pub(crate) number: i64,
    pub(crate) plan_code: String,
    pub(crate) period_start: String,
    pub(crate) period_end: String,
    pub(crate) status: String,
    pub(crate) lines: Vec<InvoiceLine>,
    pub(crate) total: Money,
    pub(crate) closed_at: String,
    pub(crate) due_at: String,
    pub(crate) paid_at: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct InvoiceLine {
    pub(crate) description: String,
    pub(crate) quantity: u64,
    pub(crate) unit_price: Money,
    pub(crate) amount: Money,
}

impl Resource for Invoice {
    const LIST: &'static str = "/billing/invoices";

    fn segment(&self) -> &str {
        &self.id
    }
}
