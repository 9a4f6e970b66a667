use chrono::{DateTime, Utc};
use kernel::ids::AccountId;
use kernel::seal::KeyRing;
use kernel::{Authorization, Change, ChannelsWrite, Clock, Entropy};

use crate::{
    AccountCredentials, AccountCredentialsError, AccountPatch, AccountRepo, AccountSecretsRepo, TwoStepPin,
    VerifiedToken, WhatsAppAccount,
};

/// What a patch changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountChanges {
    /// Names or settings.
    pub settings: bool,
    pub access_token: Option<SecretChange>,
    pub two_step_pin: Option<SecretChange>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretChange {
    Set,
    Removed,
}

impl AccountChanges {
    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Changes an account. Returns the account as it is now, and what changed; `None` if there is no such account, or if the token was
/// verified for another one.
///
/// # Errors
/// [`AccountCredentialsError`].
pub async fn change_account(
    _by: Authorization<ChannelsWrite>,
    repo: &mut dyn AccountSecretsRepo,
    id: AccountId,
    patch: AccountPatch,
    ring: &KeyRing,
    entropy: &dyn Entropy,
    clock: &dyn Clock,
) -> Result<Option<(WhatsAppAccount, AccountChanges)>, AccountCredentialsError> {
    if matches!(&patch.access_token, Change::Set(token) if token.account() != id) {
        return Ok(None);
    }
    let Some(before) = repo.lock_account(id).await? else { return Ok(None) };
    let now = clock.now();
    let account = patch.apply(before.clone());
    let settings =
        |it: &WhatsAppAccount| (it.name.clone(), it.display_phone_number.clone(), it.throughput, it.send_read_receipts);
    let mut changes = AccountChanges { settings: settings(&account) != settings(&before), ..AccountChanges::default() };
    if changes.settings {
        repo.update_account(&account, now).await?;
    }
    if patch.access_token.is_keep() && patch.two_step_pin.is_keep() {
        return Ok(Some((account, changes)));
    }
    let mut credentials = repo.account_credentials(id).await?.unwrap_or_else(|| AccountCredentials::none(id));
    changes.access_token = change_token(&mut credentials, &patch.access_token, ring, entropy, now)?;
    changes.two_step_pin = change_pin(&mut credentials, patch.two_step_pin, ring, entropy)?;
    repo.save_account_credentials(&credentials, now).await?;
    if let Change::Set(token) = &patch.access_token {
        repo.save_account_check(id, now, token.check(), token.facts()).await?;
    }
    let account = AccountRepo::account(repo, id).await?;
    Ok(account.map(|account| (account, changes)))
}

fn change_token(
    credentials: &mut AccountCredentials,
    change: &Change<VerifiedToken>,
    ring: &KeyRing,
    entropy: &dyn Entropy,
    now: DateTime<Utc>,
) -> Result<Option<SecretChange>, AccountCredentialsError> {
    match change {
        Change::Keep => Ok(None),
        Change::Clear => Ok(credentials.access_token.take().map(|_| SecretChange::Removed)),
        Change::Set(token) => {
            credentials.set_token(token.token(), ring, entropy, now)?;
            Ok(Some(SecretChange::Set))
        }
    }
}

fn change_pin(
    credentials: &mut AccountCredentials,
    change: Change<TwoStepPin>,
    ring: &KeyRing,
    entropy: &dyn Entropy,
) -> Result<Option<SecretChange>, AccountCredentialsError> {
    match change {
        Change::Keep => Ok(None),
        Change::Clear => Ok(credentials.two_step_pin.take().map(|_| SecretChange::Removed)),
        Change::Set(pin) => {
            credentials.set_pin(&pin, ring, entropy)?;
            Ok(Some(SecretChange::Set))
        }
    }
}
