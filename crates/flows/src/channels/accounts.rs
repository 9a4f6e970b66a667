use audit::{Action, Principal, Record, RequestOrigin, target};
use channels::{AccountCredentialsError, AccountPatch, SecretChange, WhatsAppAccount, next_check};
use jobs::{JobKind, JobSubject, NewJob};
use kernel::ids::AccountId;
use kernel::seal::KeyRing;
use kernel::{Authorization, ChannelsWrite, Clock, Entropy, Permit, StoreError};

use super::AccountTx;
use super::end_pauses::end_refuted_pauses;
use crate::jobs::template_sync_job;
use crate::wake_waiting;

/// Changes names, settings and secrets of an account; `None` if the tenant has no such account. The audit record says which secrets
/// changed, not what they are.
///
/// # Errors
/// [`AccountCredentialsError`].
#[expect(clippy::too_many_arguments, reason = "what changes, who changes it, and what a use case needs of the machine")]
pub async fn change_account(
    by: Authorization<ChannelsWrite>,
    tx: &mut dyn AccountTx,
    id: AccountId,
    patch: AccountPatch,
    ring: &KeyRing,
    origin: RequestOrigin,
    entropy: &dyn Entropy,
    clock: &dyn Clock,
) -> Result<Option<WhatsAppAccount>, AccountCredentialsError> {
    let mut record = Record::new(Principal::from(&by), origin, Action::AccountChanged, clock);
    let Some((account, changes)) = channels::change_account(by, tx, id, patch, ring, entropy, clock).await? else {
        return Ok(None);
    };
    for (name, change) in [("access_token", changes.access_token), ("two_step_pin", changes.two_step_pin)] {
        if let Some(change) = change {
            record = record.with(name, text(change));
        }
    }
    if changes.access_token == Some(SecretChange::Set) {
        schedule_jobs(tx, &account, clock).await?;
    }
    if !changes.is_empty() {
        tx.append_audit_record(&record.about(target::WHATSAPP_ACCOUNT, &id)).await?;
    }
    if changes.access_token == Some(SecretChange::Set)
        && let Some(check) = &account.last_check
    {
        // What the former token met until now says nothing of this one.
        let now = clock.now();
        end_refuted_pauses(tx, id, check, true, now, now).await?;
        return Ok(tx.account(id).await?);
    }
    Ok(Some(account))
}

/// What a new token makes possible. It was checked when it was entered.
async fn schedule_jobs(tx: &mut dyn AccountTx, account: &WhatsAppAccount, clock: &dyn Clock) -> Result<(), StoreError> {
    let now = clock.now();
    let check = NewJob::new(JobKind::AccountCheck, JobSubject::from(account.id), next_check(account.id, now), clock);
    tx.schedule_job(&check).await?;
    if let Some(sync) = template_sync_job(account.waba_id.as_str(), now, clock) {
        tx.schedule_job(&sync).await?;
    }
    wake_waiting(tx, account.id, clock).await
}

const fn text(change: SecretChange) -> &'static str {
    match change {
        SecretChange::Set => "set",
        SecretChange::Removed => "removed",
    }
}

/// Disconnects a number: after the commit, its deliveries are not processed. Stored data is kept, its secrets are deleted. Returns whether the tenant
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
    let record = Record::new(permit.actor().into(), origin, Action::AccountDisconnected, clock);
    let disconnected = channels::disconnect_account(permit, tx, id, clock).await?;
    if disconnected == Some(true) {
        tx.append_audit_record(&record.about(target::WHATSAPP_ACCOUNT, &id)).await?;
    }
    Ok(disconnected.is_some())
}

#[cfg(test)]
mod tests {
    use channels::{AccessToken, AccountStatus, Disconnection, TwoStepPin, VerifiedToken, sending_account};
    use kernel::{Change, SystemEntropy};
    use secrecy::ExposeSecret;
    use whatsapp::MetaAppKey;

    use super::*;
    use crate::fake::{FakeMeta, FakeStore, changes, key_ring, origin, run};

    fn connected(status: AccountStatus) -> (FakeStore, AccountId) {
        let mut store = FakeStore::new();
        let id = store.connected(&MetaAppKey::deployment(), status);
        (store, id)
    }

    fn change(store: &mut FakeStore, id: AccountId, patch: AccountPatch) -> Option<WhatsAppAccount> {
        let (permit, clock) = (store.permit(), store.clock.clone());
        let (ring, entropy) = (key_ring(&["kek"]), SystemEntropy::new());
        run(change_account(permit.into(), store, id, patch, &ring, origin(), &entropy, &*clock)).unwrap()
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

    fn verified(store: &FakeStore, token: &str) -> VerifiedToken {
        let token = AccessToken::parse(token.into()).unwrap();
        run(channels::verify_token(&FakeMeta, &store.channels.accounts[0], token, &*store.clock)).unwrap()
    }

    #[test]
    fn secrets_are_sealed_and_audited_without_values() {
        let (mut store, id) = connected(AccountStatus::Active);
        let pin = TwoStepPin::parse("918273".into()).unwrap();
        let access_token = Change::Set(verified(&store, "EAAsecret"));
        let patch = AccountPatch { access_token, two_step_pin: Change::Set(pin), ..AccountPatch::default() };
        let account = change(&mut store, id, patch).unwrap();
        assert!(account.sending.has_token && account.last_check.is_some());
        let ring = key_ring(&["kek"]);
        let sending = run(sending_account(&mut store, id, &ring)).unwrap().unwrap();
        assert_eq!(sending.access_token.unwrap().secret.expose_secret(), "EAAsecret");
        assert_eq!(changes(&store.audit_log[0]), [r#"access_token="set""#, r#"two_step_pin="set""#]);
        let scheduled = [format!("account_check {id}"), format!("template_sync {}", account.waba_id.as_str())];
        assert_eq!(store.scheduled(), scheduled);

        let removed = AccountPatch { access_token: Change::Clear, ..AccountPatch::default() };
        let account = change(&mut store, id, removed.clone()).unwrap();
        assert!(!account.sending.has_token);
        assert_eq!(changes(&store.audit_log[1]), [r#"access_token="removed""#]);
        change(&mut store, id, removed).unwrap();
        assert_eq!(store.audit_log.len(), 2);
        assert!(store.channels.credentials[0].two_step_pin.is_some());
    }

    #[test]
    fn token_verified_for_another_account_is_not_stored() {
        let (mut store, _) = connected(AccountStatus::Active);
        let access_token = Change::Set(verified(&store, "EAA"));
        let other = store.connected(&MetaAppKey::deployment(), AccountStatus::Pending);
        assert!(change(&mut store, other, AccountPatch { access_token, ..AccountPatch::default() }).is_none());
        assert!(store.channels.credentials.is_empty());
    }

    #[test]
    fn disconnecting_deletes_the_secrets() {
        let (mut store, id) = connected(AccountStatus::Active);
        let access_token = Change::Set(verified(&store, "EAA"));
        change(&mut store, id, AccountPatch { access_token, ..AccountPatch::default() }).unwrap();
        assert!(disconnect(&mut store, id));
        assert!(store.channels.credentials.is_empty());
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
