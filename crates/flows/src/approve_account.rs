use audit::{Action, Origin, PlatformAuditRepo, Record, target};
use inbound::{AccountDirectory, constraint};
use kernel::ids::AccountId;
use kernel::{Clock, Operator, StoreError};

/// What it takes to approve an account.
pub trait ApproveTx: AccountDirectory + PlatformAuditRepo {}

impl<T: AccountDirectory + PlatformAuditRepo + ?Sized> ApproveTx for T {}

#[derive(Debug, thiserror::Error)]
pub enum ApproveAccountError {
    #[error("there is no pending account with that id")]
    NotPending,
    /// A number belongs to one tenant.
    #[error("another account with the same number is active")]
    NumberInUse,
    #[error(transparent)]
    Store(StoreError),
}

/// Makes a number active that a tenant claimed on the deployment's own Meta app, and drives what came for it before.
///
/// # Errors
/// [`ApproveAccountError`].
pub async fn approve_account(
    operator: Operator,
    tx: &mut dyn ApproveTx,
    id: AccountId,
    origin: Origin,
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
