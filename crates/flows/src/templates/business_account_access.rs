use channels::{AccountCredentialsError, AccountSecretsRepo, sending_account};
use kernel::seal::KeyRing;
use outbound::{BusinessAccountAccess, TemplateRepo};

/// What [`business_account_access`] needs.
pub trait TemplateAccessTx: TemplateRepo + AccountSecretsRepo {}

impl<T: TemplateRepo + AccountSecretsRepo + ?Sized> TemplateAccessTx for T {}

/// The access token of a number of a business account, opened; `None` if no active number of it has one.
///
/// # Errors
/// [`AccountCredentialsError`].
pub async fn business_account_access(
    tx: &mut dyn TemplateAccessTx,
    waba_id: &str,
    ring: &KeyRing,
) -> Result<Option<BusinessAccountAccess>, AccountCredentialsError> {
    let Some(account) = tx.account_with_token(waba_id).await? else { return Ok(None) };
    let token = sending_account(tx, account, ring).await?.and_then(|account| account.access_token);
    Ok(token.map(|token| BusinessAccountAccess { waba_id: waba_id.to_owned(), access_token: token.secret }))
}
