use audit::{Action, PlatformAuditRepo, Record, RequestOrigin, target};
use channels::{AccountDirectory, constraint};
use kernel::ids::AccountId;
use kernel::{Clock, Operator, StoreError};

/// What [`approve_account`] needs.
pub trait ApproveAccountTx: AccountDirectory + PlatformAuditRepo {}

impl<T: AccountDirectory + PlatformAuditRepo + ?Sized> ApproveAccountTx for T {}

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
    if !tx.approve_account(id, clock.now()).await? {
        return Err(ApproveAccountError::NotPending);
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
