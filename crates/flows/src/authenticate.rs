use kernel::{StoreError, TenantScope};
use tokens::InvalidToken;

use crate::{Access, Identity};

#[derive(Debug, thiserror::Error)]
pub enum AuthenticateError {
    #[error(transparent)]
    InvalidToken(#[from] InvalidToken),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who is asking. The token says which session; everything else is read from the database now, so that what was ended or
/// taken away a moment ago no longer counts.
///
/// # Errors
/// [`AuthenticateError`].
pub async fn authenticate(identity: &Identity, token: &str) -> Result<Access, AuthenticateError> {
    let now = identity.clock.now();
    let claims = identity.keys.verify(&identity.policy, token, now)?;
    #[expect(clippy::disallowed_methods, reason = "the tenant is in a token that we signed")]
    let scope = TenantScope::mint(claims.tenant);
    let access = identity.database.access(&scope, claims.session, now).await?.ok_or(InvalidToken)?;
    if access.user.id == claims.user { Ok(access) } else { Err(InvalidToken.into()) }
}
