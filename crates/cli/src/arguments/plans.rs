use billing::{Currency, InvalidPlan, Money, Offer, Plan, PlanCode, PlanName, Terms};
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum PlansCommand {
    /// List the plans, cheapest first
    List,
    /// Add a plan, or change the one with its code
    ///
    /// What tenants have subscribed to keeps its price until the running period ends; the next one is at the new price.
    Set(PlanArgs),
    /// Let nobody choose a plan any more; who has it keeps it
    Retire {
        /// What the plan is called in the API
        #[arg(value_name = "CODE")]
        code: PlanCode,
    },
}

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// What the plan is called in the API; `trial` is what every tenant begins with
    #[arg(value_name = "CODE")]
    code: PlanCode,
    /// What people call it
    #[arg(long, value_name = "NAME")]
    name: PlanName,
    /// Of all its prices, as in ISO 4217
    #[arg(long, value_name = "CODE", default_value = "EUR")]
    currency: Currency,
    /// A month, in the minor unit of the currency, such as cents
    #[arg(long, value_name = "MINOR")]
    monthly_price: i64,
    /// Inbound messages a month that cost nothing more
    #[arg(long, value_name = "COUNT")]
    included_messages: u64,
    /// Of each further message, in the minor unit of the currency
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
