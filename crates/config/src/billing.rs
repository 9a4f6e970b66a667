use billing::PaymentTerms;
use clap::Args;

use super::errors::ConfigErrors;
use super::key::Key;

/// Payment terms, as text.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Billing")]
#[group(skip)]
pub(super) struct BillingSettings {
    /// Days that a tenant has to pay an invoice, 0 to 365
    #[arg(long, value_name = "DAYS", default_value = "14")]
    billing_payment_days: String,
    /// Whether tenants may mark their own invoices as paid; for a deployment of a single company
    #[arg(long, value_name = "BOOL", default_value = "false")]
    billing_tenants_mark_paid: String,
}

impl BillingSettings {
    pub(super) fn check(&self, errors: &mut ConfigErrors) -> Option<PaymentTerms> {
        let terms = self.billing_payment_days.parse().ok().and_then(PaymentTerms::days);
        if terms.is_none() {
            let expected = format!("a number of days from 0 to {}", PaymentTerms::MAX_DAYS);
            errors.invalid(Key("billing_payment_days"), &self.billing_payment_days, &expected);
        }
        terms
    }

    pub(super) fn tenants_mark_paid(&self, errors: &mut ConfigErrors) -> Option<bool> {
        errors.parse(Key("billing_tenants_mark_paid"), &self.billing_tenants_mark_paid, "`true` or `false`")
    }
}
