//! Plans, subscriptions, usage and invoices.

mod directory;
mod invoice;
mod plan;
mod sent_usage;
mod subscription;
mod usage;

use billing::{Currency, Money, Plan, Terms};
use kernel::StoreError;

/// The columns of a plan.
struct PlanColumns {
    code: String,
    name: String,
    currency: String,
    monthly_price_minor: i64,
    included_messages: i64,
    message_price_minor: i64,
}

impl PlanColumns {
    /// `table` is named in the error if a value is corrupt.
    fn into_plan(self, table: &'static str) -> Result<Plan, StoreError> {
        let corrupt = |_| StoreError::corrupt(table);
        let currency = currency(&self.currency, table)?;
        let price = |minor| Money::new(minor, currency);
        let included = count(self.included_messages, table)?;
        let terms = Terms::new(price(self.monthly_price_minor), included, price(self.message_price_minor));
        let (code, name) = (self.code.parse().map_err(corrupt)?, self.name.parse().map_err(corrupt)?);
        Plan::new(code, name, terms.map_err(corrupt)?).map_err(corrupt)
    }
}

fn currency(text: &str, table: &'static str) -> Result<Currency, StoreError> {
    text.parse().map_err(|_| StoreError::corrupt(table))
}

/// A non-negative number of a column.
fn count(number: i64, table: &'static str) -> Result<u64, StoreError> {
    number.try_into().map_err(|_| StoreError::corrupt(table))
}

/// A number for a column, whose range is half of the type's.
fn column(number: u64) -> Result<i64, StoreError> {
    number.try_into().map_err(|_| StoreError::corrupt("a number is beyond what a column holds"))
}
