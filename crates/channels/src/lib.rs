#![doc = include_str!("../README.md")]
#![deny(clippy::future_not_send)]

mod account;
mod account_answers;
mod account_api;
mod account_check;
mod account_credentials;
mod account_patch;
mod account_settings;
mod accounts;
mod app_credentials;
mod assess_answers;
mod change_account;
mod change_meta_app;
mod create_meta_app;
mod delete_meta_app;
mod disconnect_account;
mod meta_app;
mod meta_apps;
mod meta_id;
mod next_check;
mod ports;
mod reseal_meta_app;
mod sealed_secrets;
mod sending_account;
mod sending_state;
mod verify_token;

pub use account::{
    AccountStatus, AccountWithTenant, Disconnection, LastDelivery, NewAccount, WaitingMedia, WhatsAppAccount,
};
pub use account_answers::AccountAnswers;
pub use account_api::{AccountApi, AccountApiError, BusinessAccountFacts, NumberFacts, TokenFacts};
pub use account_check::{
    AccountCheck, BusinessAccountCheck, CheckProblem, CheckedFacts, CheckedToken, NumberCheck, TOKEN_WARNING,
    TokenCheck, TokenRefusal,
};
pub use account_credentials::{AccountCredentials, AccountCredentialsError, OpenToken, SealedToken};
pub use account_patch::AccountPatch;
pub use account_settings::{AccessToken, InvalidSetting, Throughput, TwoStepPin};
pub use accounts::{account, account_to_change, accounts};
pub use app_credentials::{AppCredentialsError, app_credentials};
pub use change_account::{AccountChanges, SecretChange, change_account};
pub use change_meta_app::{ChangeMetaAppError, change_meta_app};
pub use create_meta_app::{CreateMetaAppError, create_meta_app};
pub use delete_meta_app::{DeleteMetaAppError, delete_meta_app};
pub use disconnect_account::disconnect_account;
pub use meta_app::{LastHandshakes, MetaApp, MetaAppPatch, NewMetaApp, UnconnectedNumber, UnusableEvents};
pub use meta_apps::meta_apps;
pub use meta_id::{InvalidAccountField, MetaId};
pub use next_check::next_check;
pub use ports::{
    AccountCredentialsDirectory, AccountCredentialsRepo, AccountDirectory, AccountHealthRepo, AccountHealthUpdate,
    AccountRepo, AccountSecretsRepo, ApprovedAccount, ChannelRepo, MetaAppDirectory, MetaAppRepo, TokenCounts,
    constraint,
};
pub use reseal_meta_app::reseal_meta_app;
pub use sealed_secrets::{AppCredentials, PreviousSecret, SealedSecrets, SecretsError};
pub use sending_account::{SendingAccount, sending_account};
pub use sending_state::{AccountPause, SendingFacts, SendingState};
pub use verify_token::{VerifiedToken, verify_token};
