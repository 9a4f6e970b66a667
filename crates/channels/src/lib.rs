#![doc = include_str!("../README.md")]
#![deny(clippy::future_not_send)]

mod account;
mod accounts;
mod app_credentials;
mod change_account;
mod change_meta_app;
mod create_meta_app;
mod delete_meta_app;
mod disconnect_account;
mod meta_app;
mod meta_apps;
mod ports;
mod reseal_meta_app;
mod sealed_secrets;

pub use account::{
    AccountPatch, AccountStatus, AccountWithTenant, Disconnection, InvalidAccountField, LastDelivery, MetaId,
    NewAccount, WhatsAppAccount,
};
pub use accounts::{account, accounts};
pub use app_credentials::{AppCredentialsError, app_credentials};
pub use change_account::change_account;
pub use change_meta_app::{ChangeMetaAppError, change_meta_app};
pub use create_meta_app::{CreateMetaAppError, create_meta_app};
pub use delete_meta_app::{DeleteMetaAppError, delete_meta_app};
pub use disconnect_account::disconnect_account;
pub use meta_app::{LastHandshakes, MetaApp, MetaAppPatch, NewMetaApp, UnconnectedNumber, UnusableEvents};
pub use meta_apps::meta_apps;
pub use ports::{
    AccountDirectory, AccountHealthRepo, AccountHealthUpdate, AccountRepo, ChannelRepo, MetaAppDirectory, MetaAppRepo,
    constraint,
};
pub use reseal_meta_app::reseal_meta_app;
pub use sealed_secrets::{AppCredentials, PreviousSecret, SealedSecrets, SecretsError};
