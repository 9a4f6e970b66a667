use audit::{Action, Record, RequestOrigin, target};
use channels::{ChangeMetaAppError, CreateMetaAppError, DeleteMetaAppError, MetaApp, MetaAppPatch, NewMetaApp};
use kernel::seal::KeyRing;
use kernel::{ChannelsWrite, Clock, Entropy, Permit};
use whatsapp::MetaAppKey;

use super::MetaAppTx;

/// Creates a Meta app of the tenant.
///
/// # Errors
/// [`CreateMetaAppError`].
pub async fn create_meta_app(
    permit: Permit<ChannelsWrite>,
    tx: &mut dyn MetaAppTx,
    app: NewMetaApp,
    ring: &KeyRing,
    origin: RequestOrigin,
    entropy: &dyn Entropy,
    clock: &dyn Clock,
) -> Result<MetaApp, CreateMetaAppError> {
    let record = Record::new(permit.actor().into(), origin, Action::MetaAppCreated, clock);
    let app = channels::create_meta_app(permit, tx, app, ring, entropy, clock).await?;
    tx.append_audit_record(&record.about(target::META_APP, &app.key.as_str())).await?;
    Ok(app)
}

/// Changes a tenant's Meta app. After the commit, deliveries are checked with the new secrets.
///
/// # Errors
/// [`ChangeMetaAppError`].
#[expect(clippy::too_many_arguments, reason = "what changes, who changes it, and what a use case needs of the machine")]
pub async fn change_meta_app(
    permit: Permit<ChannelsWrite>,
    tx: &mut dyn MetaAppTx,
    key: &MetaAppKey,
    patch: MetaAppPatch,
    ring: &KeyRing,
    origin: RequestOrigin,
    entropy: &dyn Entropy,
    clock: &dyn Clock,
) -> Result<MetaApp, ChangeMetaAppError> {
    let record = Record::new(permit.actor().into(), origin, Action::MetaAppChanged, clock);
    let changes_nothing = patch.is_empty();
    let app = channels::change_meta_app(permit, tx, key, patch, ring, entropy, clock).await?;
    if !changes_nothing {
        tx.append_audit_record(&record.about(target::META_APP, &key.as_str())).await?;
    }
    Ok(app)
}

/// Deletes a tenant's Meta app with its secrets. Its key is not used again.
///
/// # Errors
/// [`DeleteMetaAppError`].
pub async fn delete_meta_app(
    permit: Permit<ChannelsWrite>,
    tx: &mut dyn MetaAppTx,
    key: &MetaAppKey,
    origin: RequestOrigin,
    clock: &dyn Clock,
) -> Result<(), DeleteMetaAppError> {
    let record = Record::new(permit.actor().into(), origin, Action::MetaAppDeleted, clock);
    channels::delete_meta_app(permit, tx, key).await?;
    Ok(tx.append_audit_record(&record.about(target::META_APP, &key.as_str())).await?)
}

#[cfg(test)]
mod tests {
    use channels::{AccountStatus, Disconnection, SecretsError};
    use chrono::TimeDelta;
    use kernel::seal::OpenError;
    use kernel::{Change, SystemEntropy};
    use whatsapp::{AppSecret, AppSecrets, Signature, verify_signature};

    use audit::Principal;

    use super::*;
    use crate::fake::{FakeStore, NoEntropy, changes, key_ring, new_meta_app, origin, run};

    fn create(store: &mut FakeStore, entropy: &dyn Entropy) -> Result<MetaApp, CreateMetaAppError> {
        let (permit, clock) = (store.permit(), store.clock.clone());
        run(create_meta_app(permit, store, new_meta_app("first"), &key_ring(&["kek"]), origin(), entropy, &*clock))
    }

    /// A tenant with a Meta app, and its key.
    fn created() -> (FakeStore, MetaAppKey) {
        let mut store = FakeStore::new();
        let key = store.add_meta_app();
        (store, key)
    }

    fn change(
        store: &mut FakeStore,
        key: &MetaAppKey,
        patch: MetaAppPatch,
        ring: &KeyRing,
    ) -> Result<MetaApp, ChangeMetaAppError> {
        let (permit, clock) = (store.permit(), store.clock.clone());
        run(change_meta_app(permit, store, key, patch, ring, origin(), &SystemEntropy::new(), &*clock))
    }

    fn delete(store: &mut FakeStore, key: &MetaAppKey) -> Result<(), DeleteMetaAppError> {
        let (permit, clock) = (store.permit(), store.clock.clone());
        run(delete_meta_app(permit, store, key, origin(), &*clock))
    }

    fn secret(text: &str) -> AppSecret {
        AppSecret::parse(text.into()).unwrap()
    }

    fn rotation() -> MetaAppPatch {
        MetaAppPatch { app_secret: Some(secret("second")), ..MetaAppPatch::default() }
    }

    /// Whether the stored app accepts deliveries that are signed with the secret.
    fn accepts(store: &FakeStore, text: &str) -> bool {
        let app = &store.channels.meta_apps[0];
        let credentials = app.secrets.open(&app.key, &key_ring(&["kek"]), store.clock.now()).unwrap();
        let header = AppSecrets::new(&secret(text), None).sign(b"body").unwrap();
        let signature = Signature::parse(header.as_bytes()).unwrap();
        verify_signature(Some(&credentials.secrets), &signature, b"body").is_ok()
    }

    #[test]
    fn created_app_is_audited_without_its_secrets() {
        let mut store = FakeStore::new();
        let app = create(&mut store, &SystemEntropy::new()).unwrap();
        assert!(accepts(&store, "first") && !accepts(&store, "second"));
        let [record] = &store.audit_log[..] else { panic!("{:?}", store.audited()) };
        assert_eq!((record.action, record.actor), (Action::MetaAppCreated, Principal::User(store.caller)));
        assert_eq!(record.target.as_ref().unwrap().id, app.key.as_str());
        assert!(changes(record).is_empty());
    }

    #[test]
    fn app_is_not_created_without_entropy() {
        let mut store = FakeStore::new();
        let outcome = create(&mut store, &NoEntropy);
        assert!(matches!(outcome, Err(CreateMetaAppError::Secrets(SecretsError::EntropyUnavailable(_)))));
        assert!(store.channels.meta_apps.is_empty() && store.audit_log.is_empty());
    }

    #[test]
    fn replaced_secret_is_accepted_beside_the_previous_one() {
        let (mut store, key) = created();
        store.clock.advance(TimeDelta::seconds(9));
        change(&mut store, &key, rotation(), &key_ring(&["kek"])).unwrap();
        assert!(accepts(&store, "first") && accepts(&store, "second"));
        assert_eq!(store.channels.meta_apps[0].updated_at, store.clock.now());
        assert_eq!(store.audited(), [Action::MetaAppChanged]);
        assert_eq!(store.audit_log[0].target.as_ref().unwrap().id, key.as_str());
        assert!(changes(&store.audit_log[0]).is_empty());
        store.clock.advance(TimeDelta::days(8));
        assert!(!accepts(&store, "first") && accepts(&store, "second"));
    }

    #[test]
    fn change_without_the_sealing_key_writes_nothing() {
        let (mut store, key) = created();
        let outcome = change(&mut store, &key, rotation(), &key_ring(&["other"]));
        let Err(ChangeMetaAppError::Secrets(SecretsError::Open { reason, .. })) = outcome else {
            panic!("{outcome:?}")
        };
        assert!(matches!(reason, OpenError::UnknownKey(id) if id == "kek"));
        assert!(accepts(&store, "first") && !accepts(&store, "second"));
        assert!(store.audit_log.is_empty());
    }

    #[test]
    fn empty_patch_of_an_app_is_not_audited() {
        let (mut store, key) = created();
        change(&mut store, &key, MetaAppPatch::default(), &key_ring(&["kek"])).unwrap();
        assert!(store.audit_log.is_empty());
    }

    #[test]
    fn missing_app_is_neither_changed_nor_deleted() {
        let mut store = FakeStore::new();
        let missing = MetaAppKey::from_stored("0123456789".to_owned());
        let renamed = MetaAppPatch { name: Change::Clear, ..MetaAppPatch::default() };
        let outcome = change(&mut store, &missing, renamed, &key_ring(&["kek"]));
        assert!(matches!(outcome, Err(ChangeMetaAppError::Unknown)));
        assert!(matches!(delete(&mut store, &missing), Err(DeleteMetaAppError::Unknown)));
        assert!(store.audit_log.is_empty());
    }

    #[test]
    fn app_with_a_connected_number_is_not_deleted() {
        for status in [AccountStatus::Pending, AccountStatus::Active] {
            let (mut store, key) = created();
            store.connected(&key, status);
            assert!(matches!(delete(&mut store, &key), Err(DeleteMetaAppError::InUse)), "{status:?}");
            assert_eq!((store.channels.meta_apps.len(), store.audit_log.len()), (1, 0));
        }
    }

    #[test]
    fn app_without_a_connected_number_is_deleted() {
        let (mut store, key) = created();
        store.connected(&key, AccountStatus::Disconnected(Disconnection::ByTenant));
        store.connected(&MetaAppKey::deployment(), AccountStatus::Active);
        delete(&mut store, &key).unwrap();
        assert!(store.channels.meta_apps.is_empty());
        assert_eq!(store.audited(), [Action::MetaAppDeleted]);
        assert_eq!(store.audit_log[0].target.as_ref().unwrap().id, key.as_str());
    }
}
