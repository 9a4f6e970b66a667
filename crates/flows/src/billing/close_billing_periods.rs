use audit::{Principal, RequestOrigin};
use billing::{BillingDirectory, PaymentTerms};
use chrono::TimeDelta;
use kernel::ids::TenantId;
use kernel::{Clock, StoreError, TenantScope};

use super::close_period::close_ended;
use super::{BillingContext, BillingTx, ClosePeriodError};
use crate::{Database, settle};

/// Delay between the end of a period and its closing, so that messages of its last minutes are processed in time. Messages
/// processed later count in the next period.
const GRACE: TimeDelta = TimeDelta::hours(1);

/// Tenants read at once.
const TENANTS: i32 = 500;

/// The result of a billing run over all tenants.
#[derive(Debug, Default)]
pub struct BillingRun {
    /// Number of invoices written.
    pub invoices: usize,
    /// Tenants whose transaction was rolled back. The others are done.
    pub failures: Vec<TenantBillingFailure>,
}

#[derive(Debug)]
pub struct TenantBillingFailure {
    pub tenant: TenantId,
    pub error: ClosePeriodError,
}

/// Closes all ended periods of all tenants, each with an invoice, and marks subscriptions with overdue invoices. Concurrent
/// runs write each invoice once. Periods of suspended tenants are closed, too.
///
/// # Errors
/// [`StoreError`] if the tenants to bill cannot be read.
pub async fn close_billing_periods(
    database: &dyn Database,
    by: Principal,
    payment: PaymentTerms,
    clock: &dyn Clock,
) -> Result<BillingRun, StoreError> {
    let mut done = BillingRun::default();
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
                Err(error) => done.failures.push(TenantBillingFailure { tenant, error }),
            }
        }
    }
}

async fn close_for(
    database: &dyn Database,
    scope: &TenantScope,
    by: Principal,
    payment: PaymentTerms,
    clock: &dyn Clock,
) -> Result<usize, ClosePeriodError> {
    let mut tx = database.tenant(scope).await?;
    let outcome = close_tenant_periods(&mut *tx, by, payment, clock).await;
    settle(tx, outcome).await
}

/// Closes the ended periods of the transaction's tenant. Returns the number of invoices written.
///
/// # Errors
/// [`ClosePeriodError`].
pub async fn close_tenant_periods(
    tx: &mut dyn BillingTx,
    by: Principal,
    payment: PaymentTerms,
    clock: &dyn Clock,
) -> Result<usize, ClosePeriodError> {
    let context = BillingContext { by, origin: RequestOrigin::default(), clock };
    let Some(before) = tx.lock_subscription().await? else { return Ok(0) };
    let day = (context.now() - GRACE).date_naive();
    let (after, closed) = close_ended(tx, before.clone(), day, payment, &context).await?;
    let after = after.with_overdue_invoice(tx.has_overdue_invoice(context.now()).await?);
    context.store(tx, &before, &after).await?;
    Ok(closed)
}

#[expect(clippy::disallowed_methods, reason = "the directory names the tenant: it has a period to close")]
const fn scope(tenant: TenantId) -> TenantScope {
    TenantScope::mint(tenant)
}
