use billing::Money;
use serde::Serialize;
use utoipa::ToSchema;

/// An amount of money in the currency's minor unit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Money)]
pub(super) struct MoneyBody {
    /// Amount in the currency's minor unit, such as cents.
    #[schema(example = 1900)]
    amount_minor: i64,
    /// ISO 4217 code.
    #[schema(example = "EUR")]
    currency: String,
}

impl From<Money> for MoneyBody {
    fn from(money: Money) -> Self {
        Self { amount_minor: money.minor(), currency: money.currency().to_string() }
    }
}
