use billing::{Currency, InvalidPlan, Money, Offer, Plan, PlanCode, PlanName, Terms};
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum PlansCommand {
    /// List the plans, cheapest first
    List,
    /// Add a plan, or change the one with its code
    ///
    /// Subscriptions keep their price until the current period ends; the next period has the new price.
    Set(PlanArgs),
    /// Close a plan for new subscriptions; existing ones keep it
    Retire {
        /// The plan's code in the API
        #[arg(value_name = "CODE")]
        code: PlanCode,
    },
}

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// The plan's code in the API; every tenant starts with `trial`
    #[arg(value_name = "CODE")]
    code: PlanCode,
    /// The plan's display name
    #[arg(long, value_name = "NAME")]
    name: PlanName,
    /// Currency of all its prices (ISO 4217)
    #[arg(long, value_name = "CODE", default_value = "EUR")]
    currency: Currency,
    /// Price per month, in the minor unit of the currency, such as cents
    #[arg(long, value_name = "MINOR")]
    monthly_price: i64,
    /// Inbound messages per month that the price includes
    #[arg(long, value_name = "COUNT")]
    included_messages: u64,
    /// Price of each further message, in the minor unit of the currency
    #[arg(long, value_name = "MINOR")]
    message_price: i64,
}

impl PlanArgs {
    pub(crate) fn into_offer(self) -> Result<Offer, InvalidPlan> {
        let price = |minor| Money::new(minor, self.currency);
        let terms = Terms::new(price(self.monthly_price), self.included_messages, price(self.message_price))?;
        Ok(Offer { plan: Plan::new(self.code, self.name, terms)?, available: true })
    }
}
