//! `parley whatsapp set-token` and `check`: access tokens of numbers.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read as _, Write};
use std::path::PathBuf;

use audit::RequestOrigin;
use channels::{
    AccessToken, AccountApi, AccountCheck, AccountCredentialsError, AccountPatch, AccountRepo, AccountStatus,
    InvalidSetting, TokenRefusal, WhatsAppAccount, verify_token,
};
use chrono::SecondsFormat;
use flows::{CheckAccountError, Database, change_account, check_account_by_operator};
use kernel::ids::AccountId;
use kernel::seal::KeyRing;
use kernel::{Change, PageLimit, PageRequest, StoreError, SystemClock, SystemEntropy, TenantScope};
use secrecy::SecretString;

use super::arguments::whatsapp::{SelectedNumbers, SetTokenArgs};
use super::tenant::{FindTenantError, find_tenant, operator, scope_of};

#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    #[error(transparent)]
    Tenant(#[from] FindTenantError),
    #[error("the tenant has no such number, or it is disconnected")]
    UnknownNumber,
    #[error("the token cannot be read: {0}")]
    Read(io::Error),
    #[error("the token {0}")]
    Invalid(#[from] InvalidSetting),
    #[error("the token is not stored: {0}")]
    Refused(#[from] TokenRefusal),
    #[error(transparent)]
    Check(#[from] CheckAccountError),
    #[error("found {0} problems")]
    Problems(usize),
    #[error(transparent)]
    Credentials(#[from] AccountCredentialsError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Output(#[from] io::Error),
}

/// What these subcommands work on.
#[derive(Clone, Copy)]
pub(super) struct Deployment<'a> {
    pub(super) database: &'a dyn Database,
    pub(super) api: &'a dyn AccountApi,
    pub(super) ring: &'a KeyRing,
}

/// Enters the access token of a number. `variable` is the value of `PARLEY_ACCESS_TOKEN`.
pub(super) async fn set_token(
    deployment: Deployment<'_>,
    arguments: SetTokenArgs,
    variable: Option<OsString>,
) -> Result<(), TokenError> {
    let token = AccessToken::parse(read_token(variable, arguments.token_file).map_err(TokenError::Read)?)?;
    let selected = SelectedNumbers { tenant: arguments.tenant, account: arguments.account, number: arguments.number };
    let (scope, accounts) = select(deployment.database, &selected).await?;
    let [account] = &accounts[..] else { return Err(TokenError::UnknownNumber) };
    let (clock, entropy) = (SystemClock::new(), SystemEntropy::new());
    let verified = verify_token(deployment.api, account, token, &clock).await?;
    let patch = AccountPatch { access_token: Change::Set(verified), ..AccountPatch::default() };
    let (ring, origin) = (deployment.ring, RequestOrigin::default());
    let changed = deployment
        .database
        .in_tenant(&scope, async |tx| {
            change_account(operator().into(), tx, account.id, patch, ring, origin, &entropy, &clock).await
        })
        .await?
        .ok_or(TokenError::UnknownNumber)?;
    let out = &mut io::stdout();
    writeln!(out, "token of number {} is stored", changed.phone_number_id.as_str())?;
    if let Some(check) = &changed.last_check {
        print(out, &changed, check)?;
    }
    Ok(())
}

/// Asks Meta about numbers of a tenant, and prints what it says.
pub(super) async fn check(deployment: Deployment<'_>, selected: SelectedNumbers) -> Result<(), TokenError> {
    let (scope, accounts) = select(deployment.database, &selected).await?;
    let is_one = selected.account.is_some() || selected.number.is_some();
    if is_one && accounts.is_empty() {
        return Err(TokenError::UnknownNumber);
    }
    let clock = SystemClock::new();
    let mut problems = 0;
    for account in accounts {
        let Deployment { database, api, ring } = deployment;
        let checked = check_account_by_operator(operator(), database, &scope, account.id, api, ring, &clock).await?;
        if let Some(check) = checked {
            problems += check.problems.len();
            print(&mut io::stdout(), &account, &check)?;
        }
    }
    if problems == 0 { Ok(()) } else { Err(TokenError::Problems(problems)) }
}

fn read_token(variable: Option<OsString>, file: Option<PathBuf>) -> io::Result<SecretString> {
    let text = match (file, variable) {
        (Some(file), _) => fs::read_to_string(file)?,
        (None, Some(value)) => value.into_string().map_err(|_| io::ErrorKind::InvalidData)?,
        (None, None) => {
            let mut text = String::new();
            io::stdin().read_to_string(&mut text)?;
            text
        }
    };
    Ok(text.trim().into())
}

/// The selected numbers that are not disconnected.
async fn select(
    database: &dyn Database,
    selected: &SelectedNumbers,
) -> Result<(TenantScope, Vec<WhatsAppAccount>), TokenError> {
    let tenant = find_tenant(database, &selected.tenant).await?;
    let scope = scope_of(&tenant);
    let mut accounts = all_accounts(database, &scope).await?;
    accounts.retain(|account| {
        let is_connected = !matches!(account.status, AccountStatus::Disconnected(_));
        is_connected && is_selected(account, selected.account, selected.number.as_deref())
    });
    Ok((scope, accounts))
}

fn is_selected(account: &WhatsAppAccount, id: Option<AccountId>, number: Option<&str>) -> bool {
    id.is_none_or(|id| account.id == id) && number.is_none_or(|number| account.phone_number_id.as_str() == number)
}

async fn all_accounts(database: &dyn Database, scope: &TenantScope) -> Result<Vec<WhatsAppAccount>, StoreError> {
    let mut page = PageRequest { limit: PageLimit::new(PageLimit::MAX.into()).unwrap_or_default(), after: None };
    let mut accounts = Vec::new();
    loop {
        let part = database.in_tenant(scope, async |tx| AccountRepo::accounts(tx, &page).await).await?;
        accounts.extend(part.items);
        page.after = part.next;
        if page.after.is_none() {
            return Ok(accounts);
        }
    }
}

fn print(out: &mut impl Write, account: &WhatsAppAccount, check: &AccountCheck) -> io::Result<()> {
    let known = |value: Option<bool>| value.map_or("unknown", |value| if value { "yes" } else { "no" });
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "unknown".to_owned());
    let ends = check.token.expires_at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true));
    writeln!(
        out,
        "{}  number {}  token valid: {}, ends: {}  registered: {}, quality: {}  business account: {}, webhooks: {}",
        account.id,
        account.phone_number_id.as_str(),
        known(check.token.valid),
        ends.as_deref().unwrap_or("never, or unknown"),
        known(check.number.registered),
        text(&check.number.quality),
        text(&check.account.status),
        known(check.account.subscribed),
    )?;
    check.problems.iter().try_for_each(|problem| writeln!(out, "  problem: {} {}", problem.what, problem.advice))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn read(variable: Option<&str>, file: Option<PathBuf>) -> io::Result<String> {
        read_token(variable.map(OsString::from), file).map(|token| token.expose_secret().to_owned())
    }

    #[test]
    fn token_is_read_from_the_file_else_the_variable() {
        let path = std::env::temp_dir().join(format!("parley-token-{}", std::process::id()));
        fs::write(&path, "EAAfile\n").unwrap();
        assert_eq!(read(Some("EAAvariable"), Some(path.clone())).unwrap(), "EAAfile");
        assert_eq!(read(Some("EAAvariable"), None).unwrap(), "EAAvariable");
        fs::remove_file(&path).unwrap();
        assert!(read(None, Some(path)).is_err());
    }
}
