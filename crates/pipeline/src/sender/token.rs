use std::sync::Arc;

use channels::OpenToken;
use flows::Database;
use kernel::TenantScope;
use kernel::error_chain;
use kernel::ids::AccountId;
use kernel::seal::KeyRing;
use tracing::error;

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
            let read = database
                .in_tenant(scope, async |tx| {
                    let credentials = tx.account_credentials(account).await?;
                    credentials.map_or(Ok(None), |credentials| credentials.open_token(ring))
                })
                .await;
            match read {
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
