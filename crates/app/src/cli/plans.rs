//! The catalogue of plans, looked after by an operator.

use std::io::{self, Write as _};

use billing::{InvalidPlan, Offer, PlanCatalogue, PlanCode};
use flows::{Database as _, OperatorTx, save_plan, settle};
use kernel::{StoreError, SystemClock};
use postgres::Postgres;

use super::CliError;
use super::arguments::plans::PlansCommand;
use super::events::operator;
use crate::config::DatabaseConfig;
use crate::wiring::postgres;

#[derive(Debug, thiserror::Error)]
pub enum PlansError {
    #[error("there is no plan {0}")]
    Unknown(PlanCode),
    #[error("every tenant begins with a trial: it cannot be retired")]
    Trial,
    #[error(transparent)]
    Invalid(#[from] InvalidPlan),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Output(#[from] io::Error),
}

pub(super) async fn run(config: DatabaseConfig, command: PlansCommand) -> Result<(), CliError> {
    let database = postgres(&config)?;
    Ok(carry_out(&database, command).await?)
}

async fn carry_out(database: &Postgres, command: PlansCommand) -> Result<(), PlansError> {
    let mut tx = database.operator().await?;
    let outcome = change(&mut *tx, command).await;
    let offers = settle(tx, outcome).await?;
    let mut out = io::stdout();
    Ok(offers.iter().try_for_each(|offer| writeln!(out, "{}", line(offer)))?)
}

/// Does what is asked for; the plans that there is something to say about.
async fn change(tx: &mut dyn OperatorTx, command: PlansCommand) -> Result<Vec<Offer>, PlansError> {
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
