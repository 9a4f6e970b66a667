use audit::{Action, PlatformAuditRepo, Record, RequestOrigin, target};
use channels::{AccountDirectory, constraint};
use jobs::JobScheduler;
use kernel::ids::AccountId;
use kernel::{Clock, Operator, StoreError};

use crate::jobs::template_sync_job;

/// What [`approve_account`] needs.
pub trait ApproveAccountTx: AccountDirectory + PlatformAuditRepo + JobScheduler {}

impl<T: AccountDirectory + PlatformAuditRepo + JobScheduler + ?Sized> ApproveAccountTx for T {}

#[derive(Debug, thiserror::Error)]
pub enum ApproveAccountError {
    #[error("the account does not exist or is not pending")]
    NotPending,
    /// A number is active in one tenant at most.
    #[error("another account with the number is active")]
    NumberInUse,
    #[error(transparent)]
    Store(StoreError),
}

/// Activates a number that a tenant claimed on the deployment's Meta app.
///
/// # Errors
/// [`ApproveAccountError`].
pub async fn approve_account(
    operator: Operator,
    tx: &mut dyn ApproveAccountTx,
    id: AccountId,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<(), ApproveAccountError> {
    let Some(approved) = tx.approve_account(id, clock.now()).await? else {
        return Err(ApproveAccountError::NotPending);
    };
    // Templates of a business account are read while it has an active number.
    if let Some(sync) = template_sync_job(&approved.waba_id, clock.now(), clock) {
        tx.schedule_job_of_tenant(approved.tenant, &sync).await?;
    }
    let record =
        Record::new(operator.into(), origin, Action::AccountApproved, clock).about(target::WHATSAPP_ACCOUNT, &id);
    tx.append_platform_audit_record(&record).await?;
    Ok(())
}

impl From<StoreError> for ApproveAccountError {
    fn from(error: StoreError) -> Self {
        if error.is_conflict_with(constraint::ACTIVE_NUMBER) { Self::NumberInUse } else { Self::Store(error) }
    }
}

#[cfg(test)]
mod tests {
    use audit::Principal;
    use channels::{AccountStatus, Disconnection};
    use whatsapp::MetaAppKey;

    use super::*;
    use crate::fake::{FakeStore, conflict, operator, origin, run};

    fn approve(store: &mut FakeStore, id: AccountId) -> Result<(), ApproveAccountError> {
        let clock = store.clock.clone();
        run(approve_account(operator(), store, id, origin(), &*clock))
    }

    #[test]
    fn pending_account_becomes_active() {
        let mut store = FakeStore::new();
        let id = store.connected(&MetaAppKey::deployment(), AccountStatus::Pending);
        approve(&mut store, id).unwrap();
        assert_eq!(store.channels.accounts[0].status, AccountStatus::Active);
        let [record] = &store.platform_audit_log[..] else { panic!("{:?}", store.audited_on_platform()) };
        assert_eq!((record.action, record.actor), (Action::AccountApproved, Principal::CommandLine));
        assert_eq!(record.target.as_ref().unwrap().id, id.to_string());
    }

    #[test]
    fn account_that_is_no_longer_pending_is_refused() {
        let disconnected = AccountStatus::Disconnected(Disconnection::ByTenant);
        for status in [AccountStatus::Active, disconnected] {
            let mut store = FakeStore::new();
            let id = store.connected(&MetaAppKey::deployment(), status);
            assert!(matches!(approve(&mut store, id), Err(ApproveAccountError::NotPending)), "{status:?}");
            assert_eq!(store.channels.accounts[0].status, status);
            assert!(store.platform_audit_log.is_empty());
        }
    }

    #[test]
    fn missing_account_cannot_be_approved() {
        let mut store = FakeStore::new();
        let missing = AccountId::new(&*store.clock);
        assert!(matches!(approve(&mut store, missing), Err(ApproveAccountError::NotPending)));
        assert!(store.platform_audit_log.is_empty());
    }

    #[test]
    fn number_that_is_active_elsewhere_stays_pending() {
        let mut store = FakeStore::new();
        let id = store.connected(&MetaAppKey::deployment(), AccountStatus::Pending);
        let foreign = store.account_on(&MetaAppKey::deployment(), AccountStatus::Active);
        store.channels.foreign_accounts.push(foreign);
        assert!(matches!(approve(&mut store, id), Err(ApproveAccountError::NumberInUse)));
        assert_eq!(store.channels.accounts[0].status, AccountStatus::Pending);
        assert!(store.platform_audit_log.is_empty());
    }

    #[test]
    fn other_conflict_of_an_approval_stays_a_store_error() {
        let error = ApproveAccountError::from(conflict(constraint::OWN_NUMBER));
        assert!(matches!(error, ApproveAccountError::Store(StoreError::Conflict { .. })));
    }
}
