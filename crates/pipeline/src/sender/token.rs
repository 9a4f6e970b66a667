use std::sync::Arc;

use channels::{AccountCredentialsError, AccountCredentialsRepo, OpenToken};
use flows::{Database, settle};
use kernel::TenantScope;
use kernel::error_chain;
use kernel::ids::AccountId;
use kernel::seal::KeyRing;
use tracing::error;

async fn read(
    database: &Arc<dyn Database>,
    scope: &TenantScope,
    account: AccountId,
    ring: &KeyRing,
) -> Result<Option<OpenToken>, AccountCredentialsError> {
    let mut tx = database.tenant(scope).await?;
    let outcome = AccountCredentialsRepo::account_credentials(&mut *tx, account).await;
    match settle(tx, outcome).await? {
        Some(credentials) => credentials.open_token(ring),
        None => Ok(None),
    }
}

/// The access token of a number: opened once, and again after another was entered.
#[derive(Default)]
pub(super) struct TokenCache(Option<OpenToken>);

impl TokenCache {
    /// The token that was entered at that time; `None` if it cannot be opened.
    pub(super) async fn get(
        &mut self,
        set_at: chrono::DateTime<chrono::Utc>,
        database: &Arc<dyn Database>,
        scope: &TenantScope,
        account: AccountId,
        ring: &KeyRing,
    ) -> Option<OpenToken> {
        if self.0.as_ref().is_none_or(|token| token.set_at != set_at) {
            match read(database, scope, account, ring).await {
                Ok(token) => self.0 = token,
                Err(error) => {
                    error!(account_id = %account, error = error_chain(&error), "opening an access token failed");
                    self.0 = None;
                }
            }
        }
        self.0.clone()
    }
}
