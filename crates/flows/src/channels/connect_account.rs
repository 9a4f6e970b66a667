use audit::{Action, Record, RequestOrigin, target};
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
/// before are requeued once the account is active: by [`requeue_held_and_unroutable`](crate::requeue_held_and_unroutable), or the sweep.
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
    let record = Record::new(permit.actor().into(), origin, Action::AccountConnected, clock);
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

#[cfg(test)]
mod tests {
    use channels::{AccountStatus, Disconnection, MetaId};
    use whatsapp::MetaAppKey;

    use audit::Principal;

    use super::*;
    use crate::fake::{FakeStore, NUMBER, changes, conflict, operator, origin, run};

    fn new_account(app: MetaAppKey) -> NewAccount {
        let id = |text| MetaId::parse(text).unwrap();
        NewAccount { app, phone_number_id: id(NUMBER), waba_id: id("900"), display_phone_number: None, name: None }
    }

    fn connect(
        store: &mut FakeStore,
        app: MetaAppKey,
        self_service: bool,
    ) -> Result<WhatsAppAccount, ConnectAccountError> {
        let (permit, clock) = (store.permit(), store.clock.clone());
        run(connect_account(permit, store, new_account(app), self_service, origin(), &*clock))
    }

    /// The error of a refused connection, which writes nothing.
    fn refusal(store: &mut FakeStore, app: MetaAppKey, self_service: bool) -> ConnectAccountError {
        let accounts = store.channels.accounts.len();
        let error = connect(store, app, self_service).unwrap_err();
        assert_eq!(store.channels.accounts.len(), accounts);
        assert!(store.audit_log.is_empty());
        error
    }

    #[test]
    fn claim_on_the_deployments_app_waits_for_approval() {
        let mut store = FakeStore::new();
        let account = connect(&mut store, MetaAppKey::deployment(), false).unwrap();
        assert_eq!(store.channels.accounts[0].status, AccountStatus::Pending);
        let [record] = &store.audit_log[..] else { panic!("{:?}", store.audited()) };
        assert_eq!((record.action, record.actor), (Action::AccountConnected, Principal::User(store.caller)));
        assert_eq!(record.target.as_ref().unwrap().id, account.id.to_string());
        assert_eq!(changes(record), [r#"phone_number_id="100""#]);
    }

    #[test]
    fn number_on_an_app_of_the_tenant_is_active_at_once() {
        let mut store = FakeStore::new();
        let app = store.add_meta_app();
        assert_eq!(connect(&mut store, app, false).unwrap().status, AccountStatus::Active);
    }

    #[test]
    fn app_of_another_tenant_or_a_deleted_one_is_unknown() {
        let app = MetaAppKey::from_stored("0123456789".to_owned());
        assert!(matches!(refusal(&mut FakeStore::new(), app, true), ConnectAccountError::UnknownApp));
    }

    #[test]
    fn number_that_the_tenant_has_connected_is_refused() {
        for status in [AccountStatus::Pending, AccountStatus::Active] {
            let mut store = FakeStore::new();
            store.connected(&MetaAppKey::deployment(), status);
            let refused = refusal(&mut store, MetaAppKey::deployment(), false);
            assert!(matches!(refused, ConnectAccountError::AlreadyConnected), "{status:?}");
        }
    }

    #[test]
    fn disconnected_number_can_be_connected_again() {
        let mut store = FakeStore::new();
        store.connected(&MetaAppKey::deployment(), AccountStatus::Disconnected(Disconnection::ByMeta));
        assert_eq!(connect(&mut store, MetaAppKey::deployment(), true).unwrap().status, AccountStatus::Active);
    }

    #[test]
    fn number_of_another_tenant_can_only_be_claimed() {
        let mut store = FakeStore::new();
        let foreign = store.account_on(&MetaAppKey::deployment(), AccountStatus::Active);
        store.channels.foreign_accounts.push(foreign);
        let refused = refusal(&mut store, MetaAppKey::deployment(), true);
        assert!(matches!(refused, ConnectAccountError::InUse));
        assert_eq!(connect(&mut store, MetaAppKey::deployment(), false).unwrap().status, AccountStatus::Pending);
    }

    #[test]
    fn operator_connects_a_number_without_approval() {
        let mut store = FakeStore::new();
        let clock = store.clock.clone();
        let account = run(add_account(operator(), &mut store, new_account(MetaAppKey::deployment()), &*clock));
        assert_eq!(account.unwrap().status, AccountStatus::Active);
        assert_eq!(store.audit_log[0].actor, Principal::CommandLine);
        let again = run(add_account(operator(), &mut store, new_account(MetaAppKey::deployment()), &*clock));
        assert!(matches!(again, Err(ConnectAccountError::AlreadyConnected)));
        assert_eq!(store.audited(), [Action::AccountConnected]);
    }

    #[test]
    fn conflict_with_another_constraint_stays_a_store_error() {
        let error = ConnectAccountError::from(conflict("whatsapp_accounts_pkey"));
        assert!(matches!(error, ConnectAccountError::Store(StoreError::Conflict { .. })));
    }
}
