use kernel::ids::AccountId;
use kernel::seal::KeyRing;

use crate::{AccountCredentialsError, AccountRepo, AccountSecretsRepo, OpenToken, WhatsAppAccount};

/// An account, and what a call to Meta for it needs.
#[derive(Clone, Debug)]
pub struct SendingAccount {
    pub account: WhatsAppAccount,
    pub access_token: Option<OpenToken>,
}

/// The account with its opened token, for senders and other machinery; `None` if the tenant has no such account.
///
/// # Errors
/// [`AccountCredentialsError`].
pub async fn sending_account(
    repo: &mut dyn AccountSecretsRepo,
    id: AccountId,
    ring: &KeyRing,
) -> Result<Option<SendingAccount>, AccountCredentialsError> {
    let Some(account) = AccountRepo::account(repo, id).await? else { return Ok(None) };
    let credentials = repo.account_credentials(id).await?;
    let access_token = match credentials {
        Some(credentials) => credentials.open_token(ring)?,
        None => None,
    };
    Ok(Some(SendingAccount { account, access_token }))
}
