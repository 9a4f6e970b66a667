use inbound::{ChannelRepo, NewAccount, WhatsAppAccount, constraint};
use kernel::{ChannelsWrite, Clock, Permit, StoreError};

#[derive(Debug, thiserror::Error)]
pub enum ConnectAccountError {
    /// The tenant has connected that number already.
    #[error("the number is connected already")]
    AlreadyConnected,
    /// The number is active in the deployment: possible only where claims are believed.
    #[error("the number is in use")]
    InUse,
    /// It is not one of the tenant's own Meta apps.
    #[error("there is no such Meta app")]
    UnknownApp,
    #[error(transparent)]
    Store(StoreError),
}

/// Claims a number on the deployment's Meta app, or connects one to an app of the tenant's own. What Meta sent for it before
/// is driven again once the account is active: by [`adopt_waiting`](crate::adopt_waiting), or by the sweep.
///
/// # Errors
/// [`ConnectAccountError`].
pub async fn connect_account(
    _permit: Permit<ChannelsWrite>,
    repo: &mut dyn ChannelRepo,
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
    repo: &mut dyn ChannelRepo,
    account: NewAccount,
    clock: &dyn Clock,
) -> Result<WhatsAppAccount, ConnectAccountError> {
    insert(repo, account.claim(true, clock)).await
}

async fn insert(repo: &mut dyn ChannelRepo, account: WhatsAppAccount) -> Result<WhatsAppAccount, ConnectAccountError> {
    if account.app.of_tenant().is_some() && !repo.hold_meta_app(&account.app).await? {
        return Err(ConnectAccountError::UnknownApp);
    }
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
