use audit::{Actor, Origin};
use billing::{BillingDirectory, PaymentTerms};
use chrono::TimeDelta;
use kernel::ids::TenantId;
use kernel::{Clock, StoreError, TenantScope};

use super::close_period::close_ended;
use super::{BillingTx, ClosePeriodError, Deed};
use crate::{Database, settle};

/// How long after its end a period is closed: what came in at its last minute is on its invoice, though it may be processed
/// a little later. What is processed later still counts in the period that is running then.
const GRACE: TimeDelta = TimeDelta::hours(1);

/// Tenants that are asked for at once.
const TENANTS: i32 = 500;

/// What was done for all tenants.
#[derive(Debug, Default)]
pub struct ClosedPeriods {
    /// Invoices that were written.
    pub invoices: usize,
    /// Tenants for whom nothing was done. The others are done with.
    pub failures: Vec<CloseFailure>,
}

#[derive(Debug)]
pub struct CloseFailure {
    pub tenant: TenantId,
    pub error: ClosePeriodError,
}

/// Closes the periods of all tenants that have ended, each with an invoice, and notes who has not paid in time. Of those who
/// do it at the same time, one writes the invoice. A suspended tenant's periods end like all others.
///
/// # Errors
/// [`StoreError`] when it cannot be found out for whom there is something to do.
pub async fn close_periods(
    database: &dyn Database,
    by: Actor,
    payment: PaymentTerms,
    clock: &dyn Clock,
) -> Result<ClosedPeriods, StoreError> {
    let mut done = ClosedPeriods::default();
    let mut last = None;
    loop {
        let now = clock.now();
        let mut tx = database.directory().await?;
        let found = BillingDirectory::tenants_to_bill(&mut *tx, (now - GRACE).date_naive(), now, last, TENANTS).await;
        let tenants = settle(tx, found).await?;
        let Some(end) = tenants.last() else { return Ok(done) };
        last = Some(*end);
        for tenant in tenants {
            match close_for(database, &scope(tenant), by, payment, clock).await {
                Ok(invoices) => done.invoices += invoices,
                Err(error) => done.failures.push(CloseFailure { tenant, error }),
            }
        }
    }
}

async fn close_for(
    database: &dyn Database,
    scope: &TenantScope,
    by: Actor,
    payment: PaymentTerms,
    clock: &dyn Clock,
) -> Result<usize, ClosePeriodError> {
    let mut tx = database.tenant(scope).await?;
    let outcome = close_periods_of(&mut *tx, by, payment, clock).await;
    settle(tx, outcome).await
}

/// The same for the transaction's tenant; how many invoices were written.
///
/// # Errors
/// [`ClosePeriodError`].
pub async fn close_periods_of(
    tx: &mut dyn BillingTx,
    by: Actor,
    payment: PaymentTerms,
    clock: &dyn Clock,
) -> Result<usize, ClosePeriodError> {
    let deed = Deed { by, origin: Origin::default(), clock };
    let Some(before) = tx.lock_subscription().await? else { return Ok(0) };
    let day = (deed.now() - GRACE).date_naive();
    let (after, closed) = close_ended(tx, before.clone(), day, payment, &deed).await?;
    let after = after.with_debts(tx.has_late_invoice(deed.now()).await?);
    deed.store(tx, &before, &after).await?;
    Ok(closed)
}

#[expect(clippy::disallowed_methods, reason = "the tenant has a period that is to be closed")]
const fn scope(tenant: TenantId) -> TenantScope {
    TenantScope::mint(tenant)
}
