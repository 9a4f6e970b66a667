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
    authenticate_verified(auth, &verify_token(auth, token).await?).await
}

/// Verifies the signature and the times of an access token. Its session may have ended meanwhile.
///
/// # Errors
/// [`InvalidToken`].
pub async fn verify_token(auth: &AuthService, token: &str) -> Result<VerifiedToken, InvalidToken> {
    verify(auth, token, auth.clock.now()).await
}

/// The second half of [`authenticate`]: reads the state of a verified token's session.
///
/// # Errors
/// [`AuthenticateError`].
pub async fn authenticate_verified(auth: &AuthService, verified: &VerifiedToken) -> Result<Access, AuthenticateError> {
    let (now, claims) = (auth.clock.now(), &verified.claims);
    #[expect(clippy::disallowed_methods, reason = "the tenant is in a verified token")]
    let scope = TenantScope::mint(claims.tenant);
    match auth.database.access(&scope, verified, now).await? {
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

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use tokens::SessionClient;

    use super::*;
    use crate::fake::{FakeStore, TENANT, auth_service, run};

    #[test]
    fn token_is_checked_before_the_database_is_asked() {
        let mut store = FakeStore::with_owner();
        let auth = auth_service(&mut store);
        let token =
            auth.new_session(TENANT, store.caller, SessionClient::default()).unwrap().into_tokens().access_token;
        assert!(matches!(run(authenticate(&auth, &token)), Err(AuthenticateError::Store(_))));
        for invalid in ["", "a.b.c", &format!("{token}x")] {
            assert!(matches!(run(authenticate(&auth, invalid)), Err(AuthenticateError::InvalidToken(_))), "{invalid}");
        }
        store.clock.advance(TimeDelta::hours(1));
        assert!(matches!(run(authenticate(&auth, &token)), Err(AuthenticateError::InvalidToken(_))), "expired");
    }

    #[test]
    fn unknown_key_keeps_cached_keys_if_reload_fails() {
        let mut store = FakeStore::with_owner();
        let auth = auth_service(&mut store);
        let other = auth_service(&mut FakeStore::with_owner());
        let client = SessionClient::default();
        let foreign = other.new_session(TENANT, store.caller, client.clone()).unwrap().into_tokens().access_token;
        assert!(matches!(run(authenticate(&auth, &foreign)), Err(AuthenticateError::InvalidToken(_))));
        let own = auth.new_session(TENANT, store.caller, client).unwrap().into_tokens().access_token;
        assert!(auth.keys.current().verify(&auth.policy, &own, auth.clock.now()).is_ok());
    }
}
