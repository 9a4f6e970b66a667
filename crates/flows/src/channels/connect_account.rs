use audit::{Action, Principal, Record, RequestOrigin, target};
use channels::{NewAccount, WhatsAppAccount, constraint};
use kernel::{ChannelsWrite, Clock, Operator, Permit, StoreError};

use super::ConnectAccountTx;

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
    permit: Permit<ChannelsWrite>,
    tx: &mut dyn ConnectAccountTx,
    account: NewAccount,
    self_service: bool,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<WhatsAppAccount, ConnectAccountError> {
    let record = Record::new(Principal::User(permit.user()), origin, Action::AccountConnected, clock);
    insert(tx, account.into_account(self_service, clock), record).await
}

/// Connects a number on behalf of an operator. It needs no approval.
///
/// # Errors
/// [`ConnectAccountError`].
pub async fn add_account(
    operator: Operator,
    tx: &mut dyn ConnectAccountTx,
    account: NewAccount,
    clock: &dyn Clock,
) -> Result<WhatsAppAccount, ConnectAccountError> {
    let record = Record::new(operator.into(), RequestOrigin::default(), Action::AccountConnected, clock);
    insert(tx, account.into_account(true, clock), record).await
}

async fn insert(
    tx: &mut dyn ConnectAccountTx,
    account: WhatsAppAccount,
    record: Record,
) -> Result<WhatsAppAccount, ConnectAccountError> {
    if account.app.tenant_key().is_some() && !tx.lock_meta_app_shared(&account.app).await? {
        return Err(ConnectAccountError::UnknownApp);
    }
    tx.insert_account(&account).await?;
    let number = account.phone_number_id.as_str();
    tx.append_audit_record(&record.about(target::WHATSAPP_ACCOUNT, &account.id).with("phone_number_id", number))
        .await?;
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
