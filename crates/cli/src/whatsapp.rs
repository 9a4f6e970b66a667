//! `parley whatsapp`: the WhatsApp numbers of tenants.

use std::io::{self, Write as _};

use audit::RequestOrigin;
use channels::{
    AccountDirectory, AccountStatus, AccountWithTenant, InvalidAccountField, MetaId, NewAccount, WhatsAppAccount,
};
use flows::{ApproveAccountError, ConnectAccountError, Database, add_account, approve_account};
use iam::Tenant;
use kernel::ids::AccountId;
use kernel::{PageLimit, PageRequest, StoreError, SystemClock};
use whatsapp::MetaAppKey;

use super::arguments::AddArgs;
use super::tenant::{FindTenantError, find_tenant, operator, scope_of};

#[derive(Debug, thiserror::Error)]
pub(crate) enum WhatsAppError {
    #[error(transparent)]
    Tenant(#[from] FindTenantError),
    #[error("--{flag} {reason}")]
    Field { flag: &'static str, reason: InvalidAccountField },
    #[error(transparent)]
    Approve(#[from] ApproveAccountError),
    #[error(transparent)]
    Connect(#[from] ConnectAccountError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Output(#[from] io::Error),
}

/// Connects a number for a tenant.
pub(super) async fn add(database: &dyn Database, arguments: AddArgs) -> Result<(), WhatsAppError> {
    let account = new_account(&arguments)?;
    let tenant = find_tenant(database, &arguments.tenant).await?;
    let account = add_for(database, &tenant, account).await?;
    Ok(print(&[AccountWithTenant { tenant: tenant.slug.as_str().to_owned(), account }])?)
}

/// Prints the numbers of all tenants.
pub(super) async fn list(database: &dyn Database) -> Result<(), WhatsAppError> {
    let mut page = PageRequest { limit: PageLimit::new(PageLimit::MAX.into()).unwrap_or_default(), after: None };
    loop {
        let read = database.in_directory(async |tx| AccountDirectory::all_accounts(tx, false, &page).await);
        let part = read.await?;
        print(&part.items)?;
        page.after = part.next;
        if page.after.is_none() {
            return Ok(());
        }
    }
}

/// Activates a claimed number.
pub(super) async fn approve(database: &dyn Database, id: AccountId) -> Result<(), WhatsAppError> {
    let (origin, clock) = (RequestOrigin::default(), SystemClock::new());
    database.in_directory(async |tx| approve_account(operator(), tx, id, origin, &clock).await).await?;
    Ok(writeln!(io::stdout(), "approved {id}")?)
}

pub(super) async fn add_for(
    database: &dyn Database,
    tenant: &Tenant,
    account: NewAccount,
) -> Result<WhatsAppAccount, WhatsAppError> {
    let scope = scope_of(tenant);
    let added = database.in_tenant(&scope, async |tx| add_account(operator(), tx, account, &SystemClock::new()).await);
    Ok(added.await?)
}

fn new_account(arguments: &AddArgs) -> Result<NewAccount, WhatsAppError> {
    let id = |flag, text: &str| MetaId::parse(text).map_err(|reason| WhatsAppError::Field { flag, reason });
    let text = |flag, text: Option<&String>| {
        let checked = text.map(|text| NewAccount::parse_text(text)).transpose();
        checked.map_err(|reason| WhatsAppError::Field { flag, reason })
    };
    Ok(NewAccount {
        app: MetaAppKey::deployment(),
        phone_number_id: id("phone-number-id", &arguments.phone_number_id)?,
        waba_id: id("waba-id", &arguments.waba_id)?,
        display_phone_number: text("display-phone-number", arguments.display_phone_number.as_ref())?,
        name: text("name", arguments.name.as_ref())?,
    })
}

fn print(accounts: &[AccountWithTenant]) -> io::Result<()> {
    let mut out = io::stdout();
    accounts.iter().try_for_each(|AccountWithTenant { tenant, account }| {
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
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_argument_is_reported_with_its_flag() {
        let arguments = |phone_number_id: &str, name: &str| AddArgs {
            tenant: "acme".to_owned(),
            phone_number_id: phone_number_id.to_owned(),
            waba_id: "900".to_owned(),
            display_phone_number: None,
            name: Some(name.to_owned()),
        };
        assert_eq!(new_account(&arguments("100", "Shop")).unwrap().phone_number_id.as_str(), "100");
        for (arguments, flag) in
            [(arguments("one", "Shop"), "--phone-number-id "), (arguments("100", &"x".repeat(10_000)), "--name ")]
        {
            let error = new_account(&arguments).unwrap_err().to_string();
            assert!(error.starts_with(flag), "{error}");
        }
    }
}
