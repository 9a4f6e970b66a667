use channels::{AccountApi, AccountCredentialsDirectory, CHECK_RETRY};
use kernel::ids::TenantId;
use kernel::seal::KeyRing;
use kernel::{Clock, StoreError, TenantScope};

use super::check_account::{CheckAccountError, check};
use crate::{Database, settle};

/// Tenants read at once.
const TENANTS: i64 = 500;
/// Accounts of one tenant before the next tenant's.
const ACCOUNTS: usize = 5;

/// The result of a round over all tenants with due checks.
#[derive(Debug, Default)]
pub struct AccountCheckRun {
    /// Accounts without a problem.
    pub healthy: usize,
    /// Accounts with a problem.
    pub with_problems: usize,
    /// Accounts about which Meta did not answer. They are checked again in an hour.
    pub silent: usize,
    /// Tenants with an account that could not be checked for another reason.
    pub failures: Vec<(TenantId, CheckAccountError)>,
    /// Whether a tenant has more.
    pub is_unfinished: bool,
}

/// Checks the accounts whose daily check is due: of each tenant a few, so that no tenant waits for another's. Several processes may do
/// so at once, as each account is claimed. What is interrupted is due again in an hour.
///
/// # Errors
/// [`StoreError`] if the tenants cannot be read.
pub async fn check_due_accounts(
    database: &dyn Database,
    api: &dyn AccountApi,
    ring: &KeyRing,
    clock: &dyn Clock,
) -> Result<AccountCheckRun, StoreError> {
    let mut run = AccountCheckRun::default();
    let mut last = None;
    loop {
        let now = clock.now();
        let mut tx = database.directory().await?;
        let found = AccountCredentialsDirectory::tenants_with_due_checks(&mut *tx, last, now, TENANTS).await;
        let tenants = settle(tx, found).await?;
        let Some(end) = tenants.last() else { return Ok(run) };
        last = Some(*end);
        for tenant in tenants {
            check_of_tenant(database, tenant, api, ring, clock, &mut run).await;
        }
    }
}

async fn check_of_tenant(
    database: &dyn Database,
    tenant: TenantId,
    api: &dyn AccountApi,
    ring: &KeyRing,
    clock: &dyn Clock,
    run: &mut AccountCheckRun,
) {
    for _ in 0..ACCOUNTS {
        match check_next(database, &scope(tenant), api, ring, clock).await {
            Ok(Some(true)) => run.healthy += 1,
            Ok(Some(false)) => run.with_problems += 1,
            Ok(None) => return,
            Err(CheckAccountError::Silent(_)) => run.silent += 1,
            Err(error) => {
                run.failures.push((tenant, error));
                return;
            }
        }
    }
    run.is_unfinished = true;
}

/// Whether the account is without a problem; `None` if no check is due.
async fn check_next(
    database: &dyn Database,
    scope: &TenantScope,
    api: &dyn AccountApi,
    ring: &KeyRing,
    clock: &dyn Clock,
) -> Result<Option<bool>, CheckAccountError> {
    let now = clock.now();
    let mut tx = database.tenant(scope).await?;
    let claimed = tx.claim_account_check(now, now + CHECK_RETRY).await;
    let claimed = settle::<_, _, StoreError>(tx, claimed).await?;
    let Some(account) = claimed else { return Ok(None) };
    let checked = check(database, scope, account, api, ring, clock).await?;
    // An account or token that was removed meanwhile has no problem that anyone could solve.
    Ok(Some(checked.is_none_or(|check| check.problems.is_empty())))
}

#[expect(clippy::disallowed_methods, reason = "the directory names the tenant: it has an account whose check is due")]
const fn scope(tenant: TenantId) -> TenantScope {
    TenantScope::mint(tenant)
}
