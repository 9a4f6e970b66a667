//! A tenant's WhatsApp numbers and Meta apps. Each change is audited.

mod accounts;
mod check_account;
mod connect_account;
mod end_pauses;
mod meta_apps;

use audit::AuditRepo;
use channels::{AccountSecretsRepo, ChannelRepo, MetaAppRepo};
use jobs::JobRepo;
use media::ReceivedMediaRepo;
use outbound::PauseRepo;

pub use accounts::{change_account, disconnect_account};
pub(crate) use check_account::check;
pub use check_account::{CheckAccountError, check_account, check_account_by_operator};
pub use connect_account::{ConnectAccountError, add_account, connect_account};
pub use end_pauses::resume_account;
pub use meta_apps::{change_meta_app, create_meta_app, delete_meta_app};

/// What connecting a number needs.
pub trait ConnectAccountTx: ChannelRepo + AuditRepo {}

impl<T: ChannelRepo + AuditRepo + ?Sized> ConnectAccountTx for T {}

/// What changing a number needs.
pub trait AccountTx: AccountSecretsRepo + PauseRepo + AuditRepo + JobRepo + ReceivedMediaRepo {}

impl<T: AccountSecretsRepo + PauseRepo + AuditRepo + JobRepo + ReceivedMediaRepo + ?Sized> AccountTx for T {}

/// What changing a Meta app needs.
pub trait MetaAppTx: MetaAppRepo + AuditRepo {}

impl<T: MetaAppRepo + AuditRepo + ?Sized> MetaAppTx for T {}
