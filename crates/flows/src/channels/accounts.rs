use audit::{Action, Principal, Record, RequestOrigin, target};
use channels::{AccountPatch, WhatsAppAccount};
use kernel::ids::AccountId;
use kernel::{ChannelsWrite, Clock, Permit, StoreError};

use super::AccountTx;

/// Changes the names of an account; `None` if the tenant has no such account.
///
/// # Errors
/// [`StoreError`].
pub async fn change_account(
    permit: Permit<ChannelsWrite>,
    tx: &mut dyn AccountTx,
    id: AccountId,
    patch: AccountPatch,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<Option<WhatsAppAccount>, StoreError> {
    let record = Record::new(Principal::User(permit.user()), origin, Action::AccountChanged, clock);
    let account = channels::change_account(permit, tx, id, patch, clock).await?;
    if account.is_some() {
        tx.append_audit_record(&record.about(target::WHATSAPP_ACCOUNT, &id)).await?;
    }
    Ok(account)
}

/// Disconnects a number: after the commit, its deliveries are not processed. Stored data is kept. Returns whether the tenant
/// has such an account.
///
/// # Errors
/// [`StoreError`].
pub async fn disconnect_account(
    permit: Permit<ChannelsWrite>,
    tx: &mut dyn AccountTx,
    id: AccountId,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<bool, StoreError> {
    let record = Record::new(Principal::User(permit.user()), origin, Action::AccountDisconnected, clock);
    let exists = channels::disconnect_account(permit, tx, id, clock).await?;
    if exists {
        tx.append_audit_record(&record.about(target::WHATSAPP_ACCOUNT, &id)).await?;
    }
    Ok(exists)
}
