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
    let Some((account, is_renamed)) = channels::change_account(permit, tx, id, patch, clock).await? else {
        return Ok(None);
    };
    if is_renamed {
        tx.append_audit_record(&record.about(target::WHATSAPP_ACCOUNT, &id)).await?;
    }
    Ok(Some(account))
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
    let disconnected = channels::disconnect_account(permit, tx, id, clock).await?;
    if disconnected == Some(true) {
        tx.append_audit_record(&record.about(target::WHATSAPP_ACCOUNT, &id)).await?;
    }
    Ok(disconnected.is_some())
}

#[cfg(test)]
mod tests {
    use channels::{AccountStatus, Disconnection};
    use kernel::Change;
    use whatsapp::MetaAppKey;

    use super::*;
    use crate::fake::{FakeStore, origin, run};

    fn connected(status: AccountStatus) -> (FakeStore, AccountId) {
        let mut store = FakeStore::new();
        let id = store.connected(&MetaAppKey::deployment(), status);
        (store, id)
    }

    fn change(store: &mut FakeStore, id: AccountId, patch: AccountPatch) -> Option<WhatsAppAccount> {
        let (permit, clock) = (store.permit(), store.clock.clone());
        run(change_account(permit, store, id, patch, origin(), &*clock)).unwrap()
    }

    fn disconnect(store: &mut FakeStore, id: AccountId) -> bool {
        let (permit, clock) = (store.permit(), store.clock.clone());
        run(disconnect_account(permit, store, id, origin(), &*clock)).unwrap()
    }

    #[test]
    fn missing_account_is_neither_changed_nor_disconnected() {
        let mut store = FakeStore::new();
        let missing = AccountId::new(&*store.clock);
        let named = AccountPatch { name: Change::Clear, ..AccountPatch::default() };
        assert!(change(&mut store, missing, named).is_none());
        assert!(!disconnect(&mut store, missing));
        assert!(store.audit_log.is_empty());
    }

    #[test]
    fn renamed_account_keeps_its_other_values() {
        let (mut store, id) = connected(AccountStatus::Pending);
        let renamed = AccountPatch { name: Change::Set("Support".to_owned()), ..AccountPatch::default() };
        let account = change(&mut store, id, renamed).unwrap();
        assert_eq!(account.name.as_deref(), Some("Support"));
        let stored = &store.channels.accounts[0];
        assert_eq!((&stored.name, stored.status), (&account.name, AccountStatus::Pending));
        assert_eq!(stored.display_phone_number.as_deref(), Some("+49 30 1"));
        let [record] = &store.audit_log[..] else { panic!("{:?}", store.audited()) };
        assert_eq!((record.action, record.actor), (Action::AccountChanged, Principal::User(store.caller)));
        assert_eq!(record.target.as_ref().unwrap().id, id.to_string());
    }

    #[test]
    fn patch_that_changes_no_name_is_not_audited() {
        let (mut store, id) = connected(AccountStatus::Active);
        let same = AccountPatch { name: Change::Set("Sales".to_owned()), ..AccountPatch::default() };
        for patch in [AccountPatch::default(), same] {
            assert_eq!(change(&mut store, id, patch).unwrap().name.as_deref(), Some("Sales"));
        }
        assert!(store.audit_log.is_empty());
    }

    #[test]
    fn disconnected_account_keeps_its_names() {
        // Also one that Meta disconnected, because Meta could restore it.
        for status in
            [AccountStatus::Pending, AccountStatus::Active, AccountStatus::Disconnected(Disconnection::ByMeta)]
        {
            let (mut store, id) = connected(status);
            assert!(disconnect(&mut store, id));
            let account = &store.channels.accounts[0];
            assert_eq!(account.status, AccountStatus::Disconnected(Disconnection::ByTenant));
            assert_eq!(account.name.as_deref(), Some("Sales"));
            assert_eq!(store.audited(), [Action::AccountDisconnected]);
            assert_eq!(store.audit_log[0].target.as_ref().unwrap().id, id.to_string());
        }
    }

    #[test]
    fn second_disconnection_is_not_audited() {
        let (mut store, id) = connected(AccountStatus::Active);
        assert!(disconnect(&mut store, id) && disconnect(&mut store, id));
        assert_eq!(store.audited(), [Action::AccountDisconnected]);
    }
}
