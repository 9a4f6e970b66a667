use std::collections::HashMap;

use async_trait::async_trait;
use channels::{
    AccountApi, AccountApiError, AccountCheck, AccountCredentials, AccountCredentialsRepo, AccountDirectory,
    AccountHealthRepo, AccountHealthUpdate, AccountRepo, AccountStatus, AccountWithTenant, ApprovedAccount,
    BusinessAccountFacts, CheckedFacts, CheckedToken, Disconnection, MetaApp, MetaAppRepo, MetaId, NewAccount,
    NewMetaApp, NumberFacts, SendingFacts, TokenFacts, UnusableEvents, WhatsAppAccount, constraint,
};
use chrono::{DateTime, Utc};
use kernel::ids::AccountId;
use kernel::{Page, PageRequest, StoreError, SystemEntropy};
use outbound::SendingPause;
use secrecy::SecretString;
use whatsapp::{AppSecret, MetaAppKey, VerifyToken};

use super::{FakeStore, conflict, key_ring};

/// The numbers and Meta apps of the tenant.
#[derive(Debug, Default)]
pub(crate) struct FakeChannels {
    pub(crate) accounts: Vec<WhatsAppAccount>,
    /// The numbers of other tenants.
    pub(crate) foreign_accounts: Vec<WhatsAppAccount>,
    pub(crate) meta_apps: Vec<MetaApp>,
    pub(crate) credentials: Vec<AccountCredentials>,
    /// Health updates in the order in which they were recorded.
    pub(crate) health: Vec<AccountHealthUpdate>,
    pub(crate) pauses: Vec<SendingPause>,
    /// Disconnected accounts that got an event of their number, and when.
    pub(crate) delivering: Vec<(AccountId, DateTime<Utc>)>,
}

/// Meta's id of the number in unit tests.
pub(crate) const NUMBER: &str = "100";

impl FakeStore {
    /// An account with [`NUMBER`] that no store has yet.
    pub(crate) fn account_on(&self, app: &MetaAppKey, status: AccountStatus) -> WhatsAppAccount {
        let new = NewAccount {
            app: app.clone(),
            phone_number_id: MetaId::parse(NUMBER).unwrap(),
            waba_id: MetaId::parse("900").unwrap(),
            display_phone_number: Some("+49 30 1".to_owned()),
            name: Some("Sales".to_owned()),
        };
        WhatsAppAccount { status, ..new.into_account(true, &*self.clock) }
    }

    /// Connects [`NUMBER`] to an app.
    pub(crate) fn connected(&mut self, app: &MetaAppKey, status: AccountStatus) -> AccountId {
        let account = self.account_on(app, status);
        self.channels.accounts.push(account.clone());
        account.id
    }

    /// Adds a Meta app with the secret `first`, sealed with the key `kek`.
    pub(crate) fn add_meta_app(&mut self) -> MetaAppKey {
        let app = new_meta_app("first").seal(&key_ring(&["kek"]), &SystemEntropy::new(), &*self.clock).unwrap();
        self.channels.meta_apps.push(app.clone());
        app.key
    }

    fn account_mut(&mut self, id: AccountId) -> &mut WhatsAppAccount {
        self.channels.accounts.iter_mut().find(|account| account.id == id).unwrap()
    }

    /// Whether an account of any tenant receives the deliveries of the number.
    fn is_active_elsewhere(&self, account: &WhatsAppAccount) -> bool {
        let all = self.channels.accounts.iter().chain(&self.channels.foreign_accounts);
        let mut others = all.filter(|it| it.id != account.id && it.status == AccountStatus::Active);
        others.any(|it| is_same_number(it, account))
    }
}

/// A Meta app to be created with that secret.
pub(crate) fn new_meta_app(secret: &str) -> NewMetaApp {
    NewMetaApp {
        app_id: MetaId::parse("1234").unwrap(),
        name: Some("Shop".to_owned()),
        app_secret: AppSecret::parse(secret.into()).unwrap(),
        previous_app_secret: None,
        verify_token: VerifyToken::parse("token".into()).unwrap(),
    }
}

fn is_same_number(one: &WhatsAppAccount, other: &WhatsAppAccount) -> bool {
    (&one.app, &one.phone_number_id) == (&other.app, &other.phone_number_id)
}

#[async_trait]
impl AccountRepo for FakeStore {
    async fn insert_account(&mut self, account: &WhatsAppAccount) -> Result<(), StoreError> {
        let is_connected = |it: &&WhatsAppAccount| !matches!(it.status, AccountStatus::Disconnected(_));
        if self.channels.accounts.iter().filter(is_connected).any(|it| is_same_number(it, account)) {
            return Err(conflict(constraint::OWN_NUMBER));
        }
        if account.status == AccountStatus::Active && self.is_active_elsewhere(account) {
            return Err(conflict(constraint::ACTIVE_NUMBER));
        }
        self.channels.accounts.push(account.clone());
        Ok(())
    }

    async fn accounts(&mut self, _: &PageRequest) -> Result<Page<WhatsAppAccount>, StoreError> {
        unreachable!("no use case of this crate lists accounts")
    }

    async fn accounts_by_id(&mut self, ids: &[AccountId]) -> Result<HashMap<AccountId, WhatsAppAccount>, StoreError> {
        let wanted = self.channels.accounts.iter().filter(|account| ids.contains(&account.id));
        Ok(wanted.map(|account| (account.id, account.clone())).collect())
    }

    async fn lock_account(&mut self, id: AccountId) -> Result<Option<WhatsAppAccount>, StoreError> {
        self.account(id).await
    }

    async fn update_account(&mut self, account: &WhatsAppAccount, _: DateTime<Utc>) -> Result<(), StoreError> {
        let stored = self.account_mut(account.id);
        stored.name.clone_from(&account.name);
        stored.display_phone_number.clone_from(&account.display_phone_number);
        (stored.throughput, stored.send_read_receipts) = (account.throughput, account.send_read_receipts);
        Ok(())
    }

    async fn disconnect_account(
        &mut self,
        id: AccountId,
        by: Disconnection,
        _: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.account_mut(id).status = AccountStatus::Disconnected(by);
        Ok(())
    }
}

#[async_trait]
impl AccountCredentialsRepo for FakeStore {
    async fn account_credentials(&mut self, id: AccountId) -> Result<Option<AccountCredentials>, StoreError> {
        Ok(self.channels.credentials.iter().find(|stored| stored.account == id).cloned())
    }

    async fn save_account_credentials(
        &mut self,
        credentials: &AccountCredentials,
        _: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.channels.credentials.retain(|stored| stored.account != credentials.account);
        self.channels.credentials.push(credentials.clone());
        let sending = &mut self.account_mut(credentials.account).sending;
        *sending = SendingFacts { has_token: credentials.access_token.is_some(), ..SendingFacts::default() };
        Ok(())
    }

    async fn delete_account_credentials(&mut self, id: AccountId) -> Result<(), StoreError> {
        self.channels.credentials.retain(|stored| stored.account != id);
        Ok(())
    }

    async fn save_account_check(
        &mut self,
        id: AccountId,
        token_set_at: DateTime<Utc>,
        check: &AccountCheck,
        facts: &CheckedFacts,
    ) -> Result<bool, StoreError> {
        let is_current = self.record_account_facts(id, token_set_at, facts).await?;
        if is_current {
            self.account_mut(id).last_check = Some(check.clone());
        }
        Ok(is_current)
    }

    async fn record_account_facts(
        &mut self,
        id: AccountId,
        token_set_at: DateTime<Utc>,
        facts: &CheckedFacts,
    ) -> Result<bool, StoreError> {
        let tokens = self.channels.credentials.iter().filter(|stored| stored.account == id);
        let mut tokens = tokens.filter_map(|stored| stored.access_token.as_ref());
        if !tokens.any(|token| token.set_at == token_set_at) {
            return Ok(false);
        }
        let sending = &mut self.account_mut(id).sending;
        match &facts.token {
            Some(CheckedToken::Usable { expires_at }) => {
                (sending.token_refusal, sending.token_expires_at) = (None, *expires_at);
            }
            Some(CheckedToken::Refused(reason)) => sending.token_refusal = Some(reason.clone()),
            None => {}
        }
        sending.is_registered = facts.is_registered.or(sending.is_registered);
        Ok(true)
    }
}

/// Meta that shows every number to every token.
#[derive(Debug)]
pub(crate) struct FakeMeta;

#[async_trait]
impl AccountApi for FakeMeta {
    async fn token(&self, _: &SecretString) -> Result<TokenFacts, AccountApiError> {
        let scopes = ["whatsapp_business_messaging", "whatsapp_business_management"].map(str::to_owned).to_vec();
        Ok(TokenFacts { is_valid: true, error: None, expires_at: None, scopes, waba_ids: None, app_id: None })
    }

    async fn number(&self, _: &SecretString, number: &MetaId) -> Result<NumberFacts, AccountApiError> {
        Ok(NumberFacts { id: number.as_str().to_owned(), ..NumberFacts::default() })
    }

    async fn numbers(&self, _: &SecretString, _: &MetaId) -> Result<Vec<String>, AccountApiError> {
        Ok(vec![NUMBER.to_owned()])
    }

    async fn business_account(&self, _: &SecretString, _: &MetaId) -> Result<BusinessAccountFacts, AccountApiError> {
        Ok(BusinessAccountFacts::default())
    }

    async fn subscribed_apps(&self, _: &SecretString, _: &MetaId) -> Result<Vec<String>, AccountApiError> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl MetaAppRepo for FakeStore {
    async fn insert_meta_app(&mut self, app: &MetaApp) -> Result<(), StoreError> {
        self.channels.meta_apps.push(app.clone());
        Ok(())
    }

    async fn meta_apps(&mut self, _: &PageRequest) -> Result<Page<MetaApp>, StoreError> {
        unreachable!("no use case of this crate lists Meta apps")
    }

    async fn unusable_events(&mut self, _: &[MetaAppKey]) -> Result<HashMap<MetaAppKey, UnusableEvents>, StoreError> {
        Ok(HashMap::new())
    }

    async fn lock_meta_app_shared(&mut self, key: &MetaAppKey) -> Result<bool, StoreError> {
        Ok(self.channels.meta_apps.iter().any(|app| app.key == *key))
    }

    async fn lock_meta_app(&mut self, key: &MetaAppKey) -> Result<Option<MetaApp>, StoreError> {
        Ok(self.channels.meta_apps.iter().find(|app| app.key == *key).cloned())
    }

    async fn update_meta_app(&mut self, app: &MetaApp) -> Result<(), StoreError> {
        self.channels.meta_apps.iter_mut().filter(|stored| stored.key == app.key).for_each(|it| *it = app.clone());
        Ok(())
    }

    async fn is_meta_app_in_use(&mut self, key: &MetaAppKey) -> Result<bool, StoreError> {
        let mut bound = self.channels.accounts.iter().filter(|account| account.app == *key);
        Ok(bound.any(|account| !matches!(account.status, AccountStatus::Disconnected(_))))
    }

    async fn delete_meta_app(&mut self, key: &MetaAppKey) -> Result<(), StoreError> {
        self.channels.meta_apps.retain(|app| app.key != *key);
        Ok(())
    }
}

#[async_trait]
impl AccountHealthRepo for FakeStore {
    async fn record_health(&mut self, update: &AccountHealthUpdate, _: DateTime<Utc>) -> Result<(), StoreError> {
        self.channels.health.push(update.clone());
        Ok(())
    }

    async fn restore_delivering_accounts(
        &mut self,
        received: &[(AccountId, DateTime<Utc>)],
        _: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.channels.delivering.extend_from_slice(received);
        Ok(())
    }
}

#[async_trait]
impl AccountDirectory for FakeStore {
    async fn approve_account(
        &mut self,
        id: AccountId,
        _: DateTime<Utc>,
    ) -> Result<Option<ApprovedAccount>, StoreError> {
        let is_pending = |it: &&WhatsAppAccount| it.id == id && it.status == AccountStatus::Pending;
        let Some(account) = self.channels.accounts.iter().find(is_pending) else { return Ok(None) };
        let approved = ApprovedAccount { tenant: super::TENANT, waba_id: account.waba_id.as_str().to_owned() };
        if self.is_active_elsewhere(account) {
            return Err(conflict(constraint::ACTIVE_NUMBER));
        }
        self.account_mut(id).status = AccountStatus::Active;
        Ok(Some(approved))
    }

    async fn all_accounts(&mut self, _: bool, _: &PageRequest) -> Result<Page<AccountWithTenant>, StoreError> {
        unreachable!("no use case of this crate lists accounts")
    }
}
