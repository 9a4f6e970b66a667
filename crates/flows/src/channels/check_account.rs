use channels::{
    AccountAnswers, AccountApi, AccountCheck, AccountCredentialsError, CheckedFacts, CheckedToken, SendingAccount,
    sending_account,
};
use chrono::{DateTime, Utc};
use kernel::ids::AccountId;
use kernel::seal::KeyRing;
use kernel::{ChannelsWrite, Clock, Operator, Permit, StoreError, TenantScope};

use super::end_pauses::end_refuted_pauses;
use crate::{Database, TenantTx, settle};

#[derive(Debug, thiserror::Error)]
pub enum CheckAccountError {
    /// Meta did not even say whether the token is valid.
    #[error("Meta did not answer: {0}")]
    Silent(String),
    #[error(transparent)]
    Credentials(#[from] AccountCredentialsError),
}

/// Asks Meta about the token of an account, its number and its business account, and stores what Meta says. `None` if the tenant
/// has no such account. No transaction is open during the calls.
///
/// # Errors
/// [`CheckAccountError`].
pub async fn check_account(
    permit: Permit<ChannelsWrite>,
    database: &dyn Database,
    id: AccountId,
    api: &dyn AccountApi,
    ring: &KeyRing,
    clock: &dyn Clock,
) -> Result<Option<AccountCheck>, CheckAccountError> {
    check(database, permit.scope(), id, api, ring, clock).await
}

/// The same for an operator.
///
/// # Errors
/// [`CheckAccountError`].
pub async fn check_account_by_operator(
    _operator: Operator,
    database: &dyn Database,
    scope: &TenantScope,
    id: AccountId,
    api: &dyn AccountApi,
    ring: &KeyRing,
    clock: &dyn Clock,
) -> Result<Option<AccountCheck>, CheckAccountError> {
    check(database, scope, id, api, ring, clock).await
}

/// The same for machinery.
pub(crate) async fn check(
    database: &dyn Database,
    scope: &TenantScope,
    id: AccountId,
    api: &dyn AccountApi,
    ring: &KeyRing,
    clock: &dyn Clock,
) -> Result<Option<AccountCheck>, CheckAccountError> {
    let mut tx = database.tenant(scope).await?;
    let outcome = sending_account(&mut *tx, id, ring).await;
    let found = settle(tx, outcome).await?;
    let Some(SendingAccount { account, access_token }) = found else { return Ok(None) };
    let Some(token) = access_token else { return Ok(Some(AccountCheck::without_token(clock.now()))) };
    let asked_at = clock.now();
    let answers = AccountAnswers::ask(api, &account, &token.secret).await;
    if let Some(reason) = answers.unanswered() {
        return Err(CheckAccountError::Silent(reason));
    }
    let now = clock.now();
    let (result, facts) = (answers.check(&account, now), answers.facts(&account));
    let mut tx = database.tenant(scope).await?;
    let saved = save(&mut *tx, id, token.set_at, (&result, &facts), (asked_at, now)).await;
    settle(tx, saved).await?;
    Ok(Some(result))
}

/// Stores what Meta said, and ends the pauses that it refutes, unless the account has another token meanwhile.
async fn save(
    tx: &mut dyn TenantTx,
    id: AccountId,
    token_set_at: DateTime<Utc>,
    (check, facts): (&AccountCheck, &CheckedFacts),
    (asked_at, now): (DateTime<Utc>, DateTime<Utc>),
) -> Result<(), StoreError> {
    if tx.save_account_check(id, token_set_at, check, facts).await? {
        let token_is_usable = matches!(facts.token, Some(CheckedToken::Usable { .. }));
        end_refuted_pauses(tx, id, check, token_is_usable, asked_at, now).await?;
    }
    Ok(())
}

impl From<StoreError> for CheckAccountError {
    fn from(error: StoreError) -> Self {
        Self::Credentials(error.into())
    }
}
