use billing::PaymentTerms;
use clap::Args;

use super::key::Key;
use super::mistakes::Mistakes;

/// When tenants pay, as text.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Billing")]
#[group(skip)]
pub(super) struct BillingSettings {
    /// How many days after an invoice was closed a tenant has time to pay it, 0 to 365
    #[arg(long, value_name = "DAYS", default_value = "14")]
    billing_payment_days: String,
}

impl BillingSettings {
    pub(crate) fn check(&self, mistakes: &mut Mistakes) -> Option<PaymentTerms> {
        let terms = self.billing_payment_days.parse().ok().and_then(PaymentTerms::days);
        if terms.is_none() {
            let expected = format!("a number of days from 0 to {}", PaymentTerms::MAX_DAYS);
            mistakes.wrong(Key("billing_payment_days"), &self.billing_payment_days, &expected);
        }
        terms
    }
}
