use billing::Money;
use serde::Serialize;
use utoipa::ToSchema;

/// An amount of money, whole.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Money)]
pub(super) struct MoneyBody {
    /// In the minor unit of the currency, such as cents.
    #[schema(example = 1900)]
    amount_minor: i64,
    /// As in ISO 4217.
    #[schema(example = "EUR")]
    currency: String,
}

impl From<Money> for MoneyBody {
    fn from(money: Money) -> Self {
        Self { amount_minor: money.minor(), currency: money.currency().to_string() }
    }
}
