//! `parley invoices`: billing periods and their invoices.

use std::io::{self, Write as _};

use audit::Principal;
use billing::PaymentTerms;
use flows::{BillingRun, ClosePeriodError, Database, close_billing_periods, close_tenant_periods};
use kernel::{StoreError, SystemClock, error_chain};

use super::arguments::invoices::InvoicesCommand;
use super::tenant::{FindTenantError, find_tenant, scope_of};

#[derive(Debug, thiserror::Error)]
pub(crate) enum InvoicesError {
    #[error("closing the periods of {0} tenants failed")]
    Failed(usize),
    #[error(transparent)]
    Tenant(#[from] FindTenantError),
    #[error(transparent)]
    Close(#[from] ClosePeriodError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Output(#[from] io::Error),
}

pub(super) async fn run(
    database: &dyn Database,
    payment: PaymentTerms,
    command: InvoicesCommand,
) -> Result<(), InvoicesError> {
    let InvoicesCommand::Close { tenant } = command;
    let (clock, mut out) = (SystemClock::new(), io::stdout());
    let done = match tenant.as_deref() {
        None => close_billing_periods(database, Principal::CommandLine, payment, &clock).await?,
        Some(tenant) => {
            let tenant = find_tenant(database, tenant).await?;
            let scope = scope_of(&tenant);
            let closed = database
                .in_tenant(&scope, async |tx| close_tenant_periods(tx, Principal::CommandLine, payment, &clock).await);
            BillingRun { invoices: closed.await?, failures: Vec::new() }
        }
    };
    writeln!(out, "closed {} invoices", done.invoices)?;
    for failure in &done.failures {
        writeln!(out, "{}  {}", failure.tenant, error_chain(&failure.error))?;
    }
    if done.failures.is_empty() { Ok(()) } else { Err(InvoicesError::Failed(done.failures.len())) }
}
