//! WhatsApp numbers, worked with by an operator.

use std::io::{self, Write as _};

use audit::Origin;
use flows::{ApproveAccountError, ConnectAccountError, Database as _, add_account, approve_account, settle};
use iam::{Tenant, TenantDirectory, TenantReference};
use inbound::{
    AccountDirectory, AccountStatus, InvalidAccountField, MetaAppKey, MetaId, NewAccount, OwnedAccount, WhatsAppAccount,
};
use kernel::ids::AccountId;
use kernel::{Limit, PageRequest, StoreError, SystemClock, TenantScope};
use postgres::Postgres;

use super::CliError;
use super::arguments::AddArgs;
use super::events::operator;
use crate::config::DatabaseConfig;
use crate::wiring::postgres;

#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    #[error("there is no tenant {0}")]
    NoSuchTenant(String),
    #[error("--{flag} {reason}")]
    Field { flag: &'static str, reason: InvalidAccountField },
    #[error(transparent)]
    Approve(#[from] ApproveAccountError),
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
    print(&[OwnedAccount { tenant: tenant.slug.as_str().to_owned(), account }])
}

/// Shows all numbers of all tenants.
pub(super) async fn list(config: DatabaseConfig) -> Result<(), CliError> {
    let database = postgres(&config)?;
    let mut page = PageRequest { limit: Limit::new(Limit::MAX.into()).unwrap_or_default(), after: None };
    loop {
        let mut tx = database.directory().await.map_err(AccountsError::from)?;
        let accounts = AccountDirectory::all_accounts(&mut *tx, false, &page).await;
        let part = settle(tx, accounts).await.map_err(AccountsError::from)?;
        print(&part.items)?;
        page.after = part.next;
        if page.after.is_none() {
            return Ok(());
        }
    }
}

/// Makes a claimed number active.
pub(super) async fn approve(config: DatabaseConfig, id: AccountId) -> Result<(), CliError> {
    let mut tx = postgres(&config)?.directory().await.map_err(AccountsError::from)?;
    let approved = approve_account(operator(), &mut *tx, id, Origin::default(), &SystemClock::new()).await;
    settle(tx, approved).await.map_err(AccountsError::from)?;
    writeln!(io::stdout(), "approved {id}").map_err(CliError::Output)
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

fn print(accounts: &[OwnedAccount]) -> Result<(), CliError> {
    let mut out = io::stdout();
    let lines = accounts.iter().try_for_each(|OwnedAccount { tenant, account }| {
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
