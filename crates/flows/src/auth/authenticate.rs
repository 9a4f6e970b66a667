use chrono::{DateTime, Utc};
use kernel::{StoreError, TenantScope};
use tokens::{InvalidToken, Rejection, VerifiedToken};

use crate::{Access, AuthService, SessionStatus};

#[derive(Debug, thiserror::Error)]
pub enum AuthenticateError {
    #[error(transparent)]
    InvalidToken(#[from] InvalidToken),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Authenticates a request by its access token. The token names the session; everything else, the state of the signing key
/// included, is read from the database, so that a revocation takes effect at once.
///
/// # Errors
/// [`AuthenticateError`].
pub async fn authenticate(auth: &AuthService, token: &str) -> Result<Access, AuthenticateError> {
    let now = auth.clock.now();
    let verified = verify(auth, token, now).await?;
    let claims = verified.claims;
    #[expect(clippy::disallowed_methods, reason = "the tenant is in a verified token")]
    let scope = TenantScope::mint(claims.tenant);
    match auth.database.access(&scope, &verified, now).await? {
        SessionStatus::Active(access) if access.user.id == claims.user => Ok(*access),
        SessionStatus::KeyNotAccepted => {
            // The cached keys are outdated: this one must be neither published nor used.
            auth.keys.refresh(&*auth.database, now).await;
            Err(InvalidToken.into())
        }
        SessionStatus::Active(_) | SessionStatus::Ended => Err(InvalidToken.into()),
    }
}

/// Reloads the keys once if the token's key is unknown: it may be newer than the cached ones.
async fn verify(auth: &AuthService, token: &str, now: DateTime<Utc>) -> Result<VerifiedToken, InvalidToken> {
    let keys = auth.keys.current();
    match keys.verify(&auth.policy, token, now) {
        Err(Rejection::UnknownKey) => {
            let keys = auth.keys.reload_for_unknown_key(&*auth.database, &keys, now).await;
            Ok(keys.verify(&auth.policy, token, now)?)
        }
        verified => Ok(verified?),
    }
}
