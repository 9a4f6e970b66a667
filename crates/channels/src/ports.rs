use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kernel::ids::{AccountId, TenantId};
use kernel::{Page, PageRequest, StoreError};
use whatsapp::{HealthUpdate, MetaAppKey};

use crate::{AccountWithTenant, Disconnection, MetaApp, SealedSecrets, WhatsAppAccount};

/// Names of the database's constraints that mean something to this domain.
pub mod constraint {
    /// The number is active on that app, in this tenant or another.
    pub const ACTIVE_NUMBER: &str = "whatsapp_accounts_active_number_key";
    /// The tenant has connected the number already.
    pub const OWN_NUMBER: &str = "whatsapp_accounts_own_number_key";
}

/// WhatsApp accounts of the transaction's tenant.
#[async_trait]
pub trait AccountRepo: Send {
    /// Conflicts with [`constraint::ACTIVE_NUMBER`] and [`constraint::OWN_NUMBER`].
    async fn insert_account(&mut self, account: &WhatsAppAccount) -> Result<(), StoreError>;
    /// Newest first.
    async fn accounts(&mut self, page: &PageRequest) -> Result<Page<WhatsAppAccount>, StoreError>;
    async fn account(&mut self, id: AccountId) -> Result<Option<WhatsAppAccount>, StoreError>;
    /// The account, which nobody else can change until the transaction ends.
    async fn lock_account(&mut self, id: AccountId) -> Result<Option<WhatsAppAccount>, StoreError>;
    /// Stores what the tenant calls it.
    async fn rename_account(&mut self, account: &WhatsAppAccount, now: DateTime<Utc>) -> Result<(), StoreError>;
    async fn disconnect_account(
        &mut self,
        id: AccountId,
        by: Disconnection,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError>;
}

/// Meta apps of the transaction's tenant.
#[async_trait]
pub trait MetaAppRepo: Send {
    async fn insert_meta_app(&mut self, app: &MetaApp) -> Result<(), StoreError>;
    /// Newest first.
    async fn meta_apps(&mut self, page: &PageRequest) -> Result<Page<MetaApp>, StoreError>;
    /// Whether there is this app; it cannot be deleted until the transaction ends.
    async fn lock_meta_app_shared(&mut self, key: &MetaAppKey) -> Result<bool, StoreError>;
    /// The app, which nobody else can change, delete or hold until the transaction ends.
    async fn lock_meta_app(&mut self, key: &MetaAppKey) -> Result<Option<MetaApp>, StoreError>;
    /// Stores its name and secrets.
    async fn update_meta_app(&mut self, app: &MetaApp) -> Result<(), StoreError>;
    /// Whether an account that is not disconnected is bound to it.
    async fn is_meta_app_in_use(&mut self, key: &MetaAppKey) -> Result<bool, StoreError>;
    async fn delete_meta_app(&mut self, key: &MetaAppKey) -> Result<(), StoreError>;
}

/// The accounts of the transaction's tenant, and the apps that they are bound to.
pub trait ChannelRepo: AccountRepo + MetaAppRepo {}

impl<T: AccountRepo + MetaAppRepo> ChannelRepo for T {}

/// Meta apps of all tenants, for who checks deliveries.
#[async_trait]
pub trait MetaAppDirectory: Send {
    async fn meta_app_secrets(&mut self, key: &MetaAppKey) -> Result<Option<SealedSecrets>, StoreError>;
    /// Apps of which a secret is sealed with another key than this one, at most so many.
    async fn meta_apps_to_reseal(
        &mut self,
        key_id: &str,
        limit: i64,
    ) -> Result<Vec<(TenantId, MetaAppKey)>, StoreError>;
    /// The ids of all keys that a secret is sealed with.
    async fn meta_app_sealing_keys(&mut self) -> Result<Vec<String>, StoreError>;
}

/// What Meta says about the accounts of the transaction's tenant.
#[async_trait]
pub trait AccountHealthRepo: Send {
    /// Notes the word on its topic, unless a later one is known; and what follows for the connection. It is about the
    /// number that it names, else about all of the tenant's in that WhatsApp Business Account and on that app.
    async fn record_health(&mut self, news: &AccountHealthUpdate, now: DateTime<Utc>) -> Result<(), StoreError>;
}

/// Something that Meta said about accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountHealthUpdate {
    /// The account that it was told by.
    pub account: AccountId,
    pub waba_id: String,
    pub reported_at: DateTime<Utc>,
    pub update: HealthUpdate,
}

/// WhatsApp accounts of all tenants, for operators.
#[async_trait]
pub trait AccountDirectory: Send {
    /// Makes a pending account active, and drives what came for its number before; whether there was one. Conflicts with
    /// [`constraint::ACTIVE_NUMBER`].
    async fn approve_account(&mut self, id: AccountId, now: DateTime<Utc>) -> Result<bool, StoreError>;
    /// Every account, or those that wait for approval, newest first.
    async fn all_accounts(
        &mut self,
        only_pending: bool,
        page: &PageRequest,
    ) -> Result<Page<AccountWithTenant>, StoreError>;
}
