use channels::{ChannelRepo, NewAccount, WhatsAppAccount, constraint};
use kernel::{ChannelsWrite, Clock, Permit, StoreError};

#[derive(Debug, thiserror::Error)]
pub enum ConnectAccountError {
    /// The tenant has already connected the number.
    #[error("the number is already connected")]
    AlreadyConnected,
    /// The number is active in another tenant. Possible only where claims need no approval.
    #[error("the number is in use")]
    InUse,
    /// The tenant has no such Meta app.
    #[error("the Meta app does not exist")]
    UnknownApp,
    #[error(transparent)]
    Store(StoreError),
}

/// Claims a number on the deployment's Meta app, or connects one to an app of the tenant's own. Events that arrived for it
/// before are requeued once the account is active: by [`requeue_waiting_events`](crate::requeue_waiting_events), or the sweep.
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
    insert(repo, account.into_account(self_service, clock)).await
}

/// Connects a number on behalf of an operator. It needs no approval.
///
/// # Errors
/// [`ConnectAccountError`].
pub async fn add_account(
    repo: &mut dyn ChannelRepo,
    account: NewAccount,
    clock: &dyn Clock,
) -> Result<WhatsAppAccount, ConnectAccountError> {
    insert(repo, account.into_account(true, clock)).await
}

async fn insert(repo: &mut dyn ChannelRepo, account: WhatsAppAccount) -> Result<WhatsAppAccount, ConnectAccountError> {
    if account.app.tenant_key().is_some() && !repo.lock_meta_app_shared(&account.app).await? {
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
