use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel::ids::{AccountId, TenantId};
use kernel::{Page, PageRequest, StoreError};
use whatsapp::{HealthUpdate, MetaAppKey};

use crate::{
    AccountCheck, AccountCredentials, AccountWithTenant, CheckedFacts, Disconnection, MetaApp, SealedSecrets,
    UnusableEvents, WhatsAppAccount,
};

/// Names of database constraints that use cases handle.
pub mod constraint {
    /// The number is active on that app, in any tenant.
    pub const ACTIVE_NUMBER: &str = "whatsapp_accounts_active_number_key";
    /// The tenant has connected the number on that app already.
    pub const OWN_NUMBER: &str = "whatsapp_accounts_own_number_key";
}

/// WhatsApp accounts of the transaction's tenant.
#[async_trait]
pub trait AccountRepo: Send {
    /// Conflicts with [`constraint::ACTIVE_NUMBER`] and [`constraint::OWN_NUMBER`].
    async fn insert_account(&mut self, account: &WhatsAppAccount) -> Result<(), StoreError>;
    /// Newest first.
    async fn accounts(&mut self, page: &PageRequest) -> Result<Page<WhatsAppAccount>, StoreError>;
    /// Those of the accounts that exist.
    async fn accounts_by_id(&mut self, ids: &[AccountId]) -> Result<HashMap<AccountId, WhatsAppAccount>, StoreError>;
    async fn account(&mut self, id: AccountId) -> Result<Option<WhatsAppAccount>, StoreError> {
        Ok(self.accounts_by_id(&[id]).await?.remove(&id))
    }
    /// Locks the account until the transaction ends.
    async fn lock_account(&mut self, id: AccountId) -> Result<Option<WhatsAppAccount>, StoreError>;
    /// Stores its names and settings.
    async fn update_account(&mut self, account: &WhatsAppAccount, now: DateTime<Utc>) -> Result<(), StoreError>;
    async fn disconnect_account(
        &mut self,
        id: AccountId,
        by: Disconnection,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError>;
}

/// Secrets of the accounts of the transaction's tenant, and what Meta said of them.
#[async_trait]
pub trait AccountCredentialsRepo: Send {
    async fn account_credentials(&mut self, id: AccountId) -> Result<Option<AccountCredentials>, StoreError>;
    /// Stores the secrets. What Meta said of another token than the stored one is forgotten.
    async fn save_account_credentials(
        &mut self,
        credentials: &AccountCredentials,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError>;
    async fn delete_account_credentials(&mut self, id: AccountId) -> Result<(), StoreError>;
    /// Stores what Meta said of the account with the token that was set at that time. Returns false, and stores nothing, if the account has another token meanwhile.
    async fn save_account_check(
        &mut self,
        id: AccountId,
        token_set_at: DateTime<Utc>,
        check: &AccountCheck,
        facts: &CheckedFacts,
    ) -> Result<bool, StoreError>;
    /// Stores what an explicit answer to another call said of the account: facts that are `None` stay. Returns false, and stores
    /// nothing, if the account has another token meanwhile.
    async fn record_account_facts(
        &mut self,
        id: AccountId,
        token_set_at: DateTime<Utc>,
        facts: &CheckedFacts,
    ) -> Result<bool, StoreError>;
}

/// Accounts of the transaction's tenant with their secrets.
pub trait AccountSecretsRepo: AccountRepo + AccountCredentialsRepo {}

impl<T: AccountRepo + AccountCredentialsRepo + ?Sized> AccountSecretsRepo for T {}

/// Secrets of the accounts of all tenants: which there are, not what they are.
#[async_trait]
pub trait AccountCredentialsDirectory: Send {
    /// Accounts with a secret that is sealed with another key than `key_id`, at most `limit`.
    async fn account_credentials_to_reseal(
        &mut self,
        key_id: &str,
        limit: i64,
    ) -> Result<Vec<(TenantId, AccountId)>, StoreError>;
    /// The ids of all keys that seal a secret.
    async fn account_credentials_sealing_keys(&mut self) -> Result<Vec<String>, StoreError>;
    /// How many tokens are refused by Meta, and how many others end before that time.
    async fn count_tokens(&mut self, ending_before: DateTime<Utc>) -> Result<TokenCounts, StoreError>;
}

/// Tokens of all tenants that need attention.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenCounts {
    pub ending: i64,
    pub refused: i64,
}

/// Meta apps of the transaction's tenant.
#[async_trait]
pub trait MetaAppRepo: Send {
    async fn insert_meta_app(&mut self, app: &MetaApp) -> Result<(), StoreError>;
    /// Newest first.
    async fn meta_apps(&mut self, page: &PageRequest) -> Result<Page<MetaApp>, StoreError>;
    /// Whether the app exists. It cannot be deleted until the transaction ends.
    async fn lock_meta_app_shared(&mut self, key: &MetaAppKey) -> Result<bool, StoreError>;
    /// What arrived for each of the apps on its last day with unusable events.
    async fn unusable_events(&mut self, apps: &[MetaAppKey])
    -> Result<HashMap<MetaAppKey, UnusableEvents>, StoreError>;
    /// Locks the app until the transaction ends; conflicts with [`MetaAppRepo::lock_meta_app_shared`], too.
    async fn lock_meta_app(&mut self, key: &MetaAppKey) -> Result<Option<MetaApp>, StoreError>;
    /// Stores its name and secrets.
    async fn update_meta_app(&mut self, app: &MetaApp) -> Result<(), StoreError>;
    /// Whether it has an account that is not disconnected.
    async fn is_meta_app_in_use(&mut self, key: &MetaAppKey) -> Result<bool, StoreError>;
    async fn delete_meta_app(&mut self, key: &MetaAppKey) -> Result<(), StoreError>;
}

/// Accounts and Meta apps of the transaction's tenant.
pub trait ChannelRepo: AccountRepo + MetaAppRepo {}

impl<T: AccountRepo + MetaAppRepo> ChannelRepo for T {}

/// Meta apps of all tenants, to check deliveries.
#[async_trait]
pub trait MetaAppDirectory: Send {
    async fn meta_app_secrets(&mut self, key: &MetaAppKey) -> Result<Option<SealedSecrets>, StoreError>;
    /// Stores when Meta verified the app's webhook, successfully or not. At most once a second: anyone who knows the URL can ask.
    async fn record_handshake(
        &mut self,
        key: &MetaAppKey,
        succeeded: bool,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError>;
    /// Apps with a secret that is sealed with another key than `key_id`, at most `limit`.
    async fn meta_apps_to_reseal(
        &mut self,
        key_id: &str,
        limit: i64,
    ) -> Result<Vec<(TenantId, MetaAppKey)>, StoreError>;
    /// The ids of all keys that seal a secret.
    async fn meta_app_sealing_keys(&mut self) -> Result<Vec<String>, StoreError>;
}

/// Health of the accounts of the transaction's tenant.
#[async_trait]
pub trait AccountHealthRepo: Send {
    /// Stores the update for its topic, unless a later one is stored, and connects or disconnects the account accordingly. It
    /// applies to the number that it names, else to all numbers of the tenant in that WhatsApp Business Account and app. An account
    /// with events of its number that were received after the update is not disconnected.
    async fn record_health(&mut self, update: &AccountHealthUpdate, now: DateTime<Utc>) -> Result<(), StoreError>;
    /// Connects accounts again that Meta disconnected, if an event of their number was received afterwards: each account with the
    /// time of its last event. An account whose number another account has meanwhile is not connected.
    async fn restore_delivering_accounts(
        &mut self,
        received: &[(AccountId, DateTime<Utc>)],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError>;
}

/// A health update, and the account that received it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountHealthUpdate {
    /// The account that the delivery was for.
    pub account: AccountId,
    pub waba_id: String,
    pub reported_at: DateTime<Utc>,
    /// When the delivery was received.
    pub received_at: DateTime<Utc>,
    pub update: HealthUpdate,
}

/// Whose number was approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovedAccount {
    pub tenant: TenantId,
    pub waba_id: String,
}

/// WhatsApp accounts of all tenants, for operators.
#[async_trait]
pub trait AccountDirectory: Send {
    /// Activates a pending account, and makes the events received for its number before due. `None` if the account was not pending.
    /// Conflicts with [`constraint::ACTIVE_NUMBER`].
    async fn approve_account(
        &mut self,
        id: AccountId,
        now: DateTime<Utc>,
    ) -> Result<Option<ApprovedAccount>, StoreError>;
    /// All accounts, or pending ones only, newest first.
    async fn all_accounts(
        &mut self,
        only_pending: bool,
        page: &PageRequest,
    ) -> Result<Page<AccountWithTenant>, StoreError>;
}
