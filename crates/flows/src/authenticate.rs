use chrono::{DateTime, Utc};
use kernel::{StoreError, TenantScope};
use tokens::{InvalidToken, Rejection, Verified};

use crate::{Access, Identity, Standing};

#[derive(Debug, thiserror::Error)]
pub enum AuthenticateError {
    #[error(transparent)]
    InvalidToken(#[from] InvalidToken),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who is asking. The token says which session; everything else, the key that signed included, is read from the database now,
/// so that what was ended or taken away a moment ago no longer counts.
///
/// # Errors
/// [`AuthenticateError`].
pub async fn authenticate(identity: &Identity, token: &str) -> Result<Access, AuthenticateError> {
    let now = identity.clock.now();
    let verified = verify(identity, token, now).await?;
    let claims = verified.claims;
    #[expect(clippy::disallowed_methods, reason = "the tenant is in a token that we signed")]
    let scope = TenantScope::mint(claims.tenant);
    match identity.database.access(&scope, &verified, now).await? {
        Standing::InForce(access) if access.user.id == claims.user => Ok(*access),
        Standing::KeyUnusable => {
            // Our keys are behind: this one is neither to be published nor to sign.
            identity.keys.refresh(&*identity.database, now).await;
            Err(InvalidToken.into())
        }
        Standing::InForce(_) | Standing::Over => Err(InvalidToken.into()),
    }
}

/// A key that we do not know may be newer than what we know.
async fn verify(identity: &Identity, token: &str, now: DateTime<Utc>) -> Result<Verified, InvalidToken> {
    let keys = identity.keys.current();
    match keys.verify(&identity.policy, token, now) {
        Err(Rejection::UnknownKey) => {
            let keys = identity.keys.look_again(&*identity.database, &keys, now).await;
            Ok(keys.verify(&identity.policy, token, now)?)
        }
        verified => Ok(verified?),
    }
}
