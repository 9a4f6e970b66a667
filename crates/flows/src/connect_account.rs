use inbound::{AccountRepo, NewAccount, WhatsAppAccount, constraint};
use kernel::{ChannelsWrite, Clock, Permit, StoreError};

#[derive(Debug, thiserror::Error)]
pub enum ConnectAccountError {
    /// The tenant has connected that number already.
    #[error("the number is connected already")]
    AlreadyConnected,
    /// The number is active in the deployment: possible only where claims are believed.
    #[error("the number is in use")]
    InUse,
    #[error(transparent)]
    Store(StoreError),
}

/// Claims a number on the deployment's Meta app. What Meta sent for it before is driven again by the sweep once the
/// account is active.
///
/// # Errors
/// [`ConnectAccountError`].
pub async fn connect_account(
    _permit: Permit<ChannelsWrite>,
    repo: &mut dyn AccountRepo,
    account: NewAccount,
    self_service: bool,
    clock: &dyn Clock,
) -> Result<WhatsAppAccount, ConnectAccountError> {
    insert(repo, account.claim(self_service, clock)).await
}

/// Connects a number for an operator, whose word is the approval.
///
/// # Errors
/// [`ConnectAccountError`].
pub async fn add_account(
    repo: &mut dyn AccountRepo,
    account: NewAccount,
    clock: &dyn Clock,
) -> Result<WhatsAppAccount, ConnectAccountError> {
    insert(repo, account.claim(true, clock)).await
}

async fn insert(repo: &mut dyn AccountRepo, account: WhatsAppAccount) -> Result<WhatsAppAccount, ConnectAccountError> {
    repo.insert_account(&account).await?;
    Ok(account)
}

impl From<StoreError> for ConnectAccountError {
    fn from(error: StoreError) -> Self {
        if error.is_conflict_with(constraint::OWN_NUMBER) {
            Self::AlreadyConnected
        } else if error.is_conflict_with(constraint::ACTIVE_NUMBER) {
            Self::InUse
        } else {
            Self::Store(error)
        }
    }
}
