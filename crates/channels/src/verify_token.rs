use kernel::Clock;
use kernel::ids::AccountId;

use crate::{AccessToken, AccountAnswers, AccountApi, AccountCheck, CheckedFacts, TokenRefusal, WhatsAppAccount};

/// An access token of which Meta says that it reaches the account's number and business account. Only [`verify_token`] makes one.
#[derive(Clone, Debug)]
pub struct VerifiedToken {
    account: AccountId,
    token: AccessToken,
    check: AccountCheck,
    facts: CheckedFacts,
}

/// Asks Meta about a token that is to be entered for an account. Call it outside of a transaction.
///
/// # Errors
/// [`TokenRefusal`].
pub async fn verify_token(
    api: &dyn AccountApi,
    account: &WhatsAppAccount,
    token: AccessToken,
    clock: &dyn Clock,
) -> Result<VerifiedToken, TokenRefusal> {
    let answers = AccountAnswers::ask(api, account, token.secret()).await;
    if let Some(refusal) = answers.refusal(account) {
        return Err(refusal);
    }
    let (check, facts) = (answers.check(account, clock.now()), answers.facts(account));
    Ok(VerifiedToken { account: account.id, token, check, facts })
}

impl VerifiedToken {
    /// The account that it was verified for.
    #[must_use]
    pub const fn account(&self) -> AccountId {
        self.account
    }

    #[must_use]
    pub const fn token(&self) -> &AccessToken {
        &self.token
    }

    pub(crate) const fn check(&self) -> &AccountCheck {
        &self.check
    }

    pub(crate) const fn facts(&self) -> &CheckedFacts {
        &self.facts
    }
}
