//! `parley plans`: the catalogue of plans.

use std::io::{self, Write as _};

use billing::{InvalidPlan, Offer, PlanCatalogue, PlanCode};
use flows::{Database, OperatorTx, save_plan};
use kernel::{StoreError, SystemClock};

use super::arguments::plans::PlansCommand;
use super::tenant::operator;

#[derive(Debug, thiserror::Error)]
pub(crate) enum PlansError {
    #[error("there is no plan {0}")]
    Unknown(PlanCode),
    #[error("the trial plan cannot be retired: every tenant starts with it")]
    Trial,
    #[error(transparent)]
    Invalid(#[from] InvalidPlan),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Output(#[from] io::Error),
}

pub(super) async fn run(database: &dyn Database, command: PlansCommand) -> Result<(), PlansError> {
    let offers = database.in_operator(async |tx| execute(tx, command).await).await?;
    let mut out = io::stdout();
    Ok(offers.iter().try_for_each(|offer| writeln!(out, "{}", line(offer)))?)
}

/// The plans to print.
async fn execute(tx: &mut dyn OperatorTx, command: PlansCommand) -> Result<Vec<Offer>, PlansError> {
    let offer = match command {
        PlansCommand::List => return Ok(PlanCatalogue::all_plans(tx).await?),
        PlansCommand::Set(arguments) => arguments.into_offer()?,
        PlansCommand::Retire { code } if code.is_trial() => return Err(PlansError::Trial),
        PlansCommand::Retire { code } => {
            let known = PlanCatalogue::all_plans(tx).await?;
            let found = known.into_iter().find(|offer| offer.plan.code == code).ok_or(PlansError::Unknown(code))?;
            Offer { available: false, ..found }
        }
    };
    save_plan(operator(), tx, &offer, &SystemClock::new()).await?;
    Ok(vec![offer])
}

fn line(offer: &Offer) -> String {
    let (plan, terms) = (&offer.plan, &offer.plan.terms);
    format!(
        "{:<12}  {:<9}  {} {} minor units a month  {} messages included  {} minor units each further  {}",
        plan.code.as_str(),
        if offer.available { "available" } else { "retired" },
        terms.monthly_price().currency(),
        terms.monthly_price().minor(),
        terms.included_messages(),
        terms.message_price().minor(),
        plan.name.as_str()
    )
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::arguments::{Cli, Command};

    #[test]
    fn arguments_become_an_available_offer() {
        let prices = ["--monthly-price=990", "--included-messages=100", "--message-price=5"];
        let cli =
            Cli::try_parse_from(["parley", "plans", "set", "basic", "--name=Basic"].iter().chain(&prices)).unwrap();
        let Command::Plans { command: PlansCommand::Set(arguments) } = cli.command else { panic!("another command") };
        let text = line(&arguments.into_offer().unwrap());
        let prices = "EUR 990 minor units a month  100 messages included  5 minor units each further";
        assert_eq!(text, format!("basic         available  {prices}  Basic"));
    }
}
