//! WhatsApp numbers, worked with by an operator.

use std::io::{self, Write as _};

use flows::{ConnectAccountError, Database as _, add_account, settle};
use iam::{Tenant, TenantDirectory, TenantReference};
use inbound::{
    AccountDirectory, AccountStatus, InvalidAccountField, MetaAppKey, MetaId, NewAccount, WhatsAppAccount, constraint,
};
use kernel::ids::AccountId;
use kernel::{Clock as _, StoreError, SystemClock, TenantScope};
use postgres::Postgres;

use super::CliError;
use super::arguments::AddArgs;
use crate::config::DatabaseConfig;
use crate::wiring::postgres;

#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    #[error("there is no tenant {0}")]
    NoSuchTenant(String),
    #[error("--{flag} {reason}")]
    Field { flag: &'static str, reason: InvalidAccountField },
    #[error("there is no pending account with that id")]
    NotPending,
    #[error("another account with the same number is active; a number belongs to one tenant")]
    NumberInUse,
    #[error(transparent)]
    Connect(#[from] ConnectAccountError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Connects a number for a tenant.
pub(super) async fn add(config: DatabaseConfig, arguments: AddArgs) -> Result<(), CliError> {
    let account = new_account(&arguments)?;
    let database = postgres(&config)?;
    let tenant = find_tenant(&database, &arguments.tenant).await?;
    let account = add_for(&database, &tenant, account).await?;
    print(&[(tenant.slug.as_str().to_owned(), account)])
}

/// Shows all numbers of all tenants.
pub(super) async fn list(config: DatabaseConfig) -> Result<(), CliError> {
    let mut tx = postgres(&config)?.directory().await.map_err(AccountsError::from)?;
    let accounts = AccountDirectory::all_accounts(&mut *tx).await;
    print(&settle(tx, accounts).await.map_err(AccountsError::from)?)
}

/// Makes a claimed number active.
pub(super) async fn approve(config: DatabaseConfig, id: AccountId) -> Result<(), CliError> {
    let mut tx = postgres(&config)?.directory().await.map_err(AccountsError::from)?;
    let approved = AccountDirectory::approve_account(&mut *tx, id, SystemClock::new().now()).await;
    match settle(tx, approved).await {
        Ok(true) => writeln!(io::stdout(), "approved {id}").map_err(CliError::Output),
        Ok(false) => Err(AccountsError::NotPending.into()),
        Err(error) if error.is_conflict_with(constraint::ACTIVE_NUMBER) => Err(AccountsError::NumberInUse.into()),
        Err(error) => Err(AccountsError::from(error).into()),
    }
}

pub(super) async fn find_tenant(database: &Postgres, reference: &str) -> Result<Tenant, AccountsError> {
    let unknown = || AccountsError::NoSuchTenant(reference.to_owned());
    let reference: TenantReference = reference.parse().map_err(|_| unknown())?;
    let mut tx = database.directory().await?;
    let found = TenantDirectory::find_tenant(&mut *tx, &reference).await;
    settle(tx, found).await?.ok_or_else(unknown)
}

pub(super) async fn add_for(
    database: &Postgres,
    tenant: &Tenant,
    account: NewAccount,
) -> Result<WhatsAppAccount, AccountsError> {
    #[expect(clippy::disallowed_methods, reason = "an operator at the command line names the tenant")]
    let scope = TenantScope::mint(tenant.id);
    let mut tx = database.tenant(&scope).await?;
    let added = add_account(&mut *tx, account, &SystemClock::new()).await;
    Ok(settle(tx, added).await?)
}

fn new_account(arguments: &AddArgs) -> Result<NewAccount, AccountsError> {
    let id = |flag, text: &str| MetaId::parse(text).map_err(|reason| AccountsError::Field { flag, reason });
    let text = |flag, text: Option<&String>| {
        let checked = text.map(|text| NewAccount::check_text(text)).transpose();
        checked.map_err(|reason| AccountsError::Field { flag, reason })
    };
    Ok(NewAccount {
        app: MetaAppKey::deployment(),
        phone_number_id: id("phone-number-id", &arguments.phone_number_id)?,
        waba_id: id("waba-id", &arguments.waba_id)?,
        display_phone_number: text("display-phone-number", arguments.display_phone_number.as_ref())?,
        name: text("name", arguments.name.as_ref())?,
    })
}

fn print(accounts: &[(String, WhatsAppAccount)]) -> Result<(), CliError> {
    let mut out = io::stdout();
    let lines = accounts.iter().try_for_each(|(tenant, account)| {
        let status = match account.status {
            AccountStatus::Pending => "pending",
            AccountStatus::Active => "active",
            AccountStatus::Disconnected(_) => "disconnected",
        };
        writeln!(
            out,
            "{}  {status:<12}  number {}  waba {}  app {}  tenant {tenant}",
            account.id,
            account.phone_number_id.as_str(),
            account.waba_id.as_str(),
            account.app.as_str(),
        )
    });
    lines.map_err(CliError::Output)
}
