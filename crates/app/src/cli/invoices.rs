//! What tenants owe, closed by an operator.

use std::io::{self, Write as _};

use audit::Actor;
use billing::PaymentTerms;
use flows::{ClosePeriodError, ClosedPeriods, Database as _, close_periods, close_periods_of, settle};
use kernel::{StoreError, SystemClock, TenantScope, error_chain};
use postgres::Postgres;

use super::CliError;
use super::arguments::invoices::InvoicesCommand;
use super::whatsapp::{AccountsError, find_tenant};
use crate::config::DatabaseConfig;
use crate::wiring::postgres;

#[derive(Debug, thiserror::Error)]
pub enum InvoicesError {
    #[error("the periods of {0} tenants were not closed")]
    Failed(usize),
    #[error(transparent)]
    Tenant(#[from] AccountsError),
    #[error(transparent)]
    Close(#[from] ClosePeriodError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Output(#[from] io::Error),
}

pub(super) async fn run(
    database: DatabaseConfig,
    payment: PaymentTerms,
    command: InvoicesCommand,
) -> Result<(), CliError> {
    let InvoicesCommand::Close { tenant } = command;
    let database = postgres(&database)?;
    Ok(close(&database, payment, tenant.as_deref()).await?)
}

async fn close(database: &Postgres, payment: PaymentTerms, tenant: Option<&str>) -> Result<(), InvoicesError> {
    let (clock, mut out) = (SystemClock::new(), io::stdout());
    let done = match tenant {
        None => close_periods(database, Actor::CommandLine, payment, &clock).await?,
        Some(tenant) => {
            let tenant = find_tenant(database, tenant).await?.id;
            #[expect(clippy::disallowed_methods, reason = "an operator at the command line names the tenant")]
            let mut tx = database.tenant(&TenantScope::mint(tenant)).await?;
            let outcome = close_periods_of(&mut *tx, Actor::CommandLine, payment, &clock).await;
            ClosedPeriods { invoices: settle(tx, outcome).await?, failures: Vec::new() }
        }
    };
    writeln!(out, "closed {} invoices", done.invoices)?;
    for failure in &done.failures {
        writeln!(out, "{}  {}", failure.tenant, error_chain(&failure.error))?;
    }
    if done.failures.is_empty() { Ok(()) } else { Err(InvoicesError::Failed(done.failures.len())) }
}
