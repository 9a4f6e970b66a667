use audit::{Action, AuditRepo, Principal, Record, RequestOrigin, target};
use iam::{HashRequester, Password, PasswordHash, PasswordVerification, User, UserRepo};
use kernel::ids::{SessionId, UserId};
use kernel::{StoreError, TenantScope};

use super::ports::UserSessionTx;
use super::rate_limit::{AttemptOutcome, ReserveError};
use crate::platform::append_tenant_record;
use crate::{Access, AuthService, AuthServiceError, RateLimited, settle};

/// A request to change the caller's password.
#[derive(Debug)]
pub struct ChangePassword {
    pub current: Password,
    pub new: Password,
    pub origin: RequestOrigin,
}

#[derive(Debug, thiserror::Error)]
pub enum ChangePasswordError {
    #[error("the current password is incorrect")]
    WrongPassword,
    #[error(transparent)]
    RateLimited(#[from] RateLimited),
    #[error(transparent)]
    Failed(#[from] AuthServiceError),
}

/// Changes the caller's password and ends their other sessions, stolen ones included. Attempts share the rate limit of logins,
/// so that a stolen session cannot be used to guess the password. Like [`log_in`](crate::log_in), it must be polled to
/// completion.
///
/// # Errors
/// [`ChangePasswordError`].
pub async fn change_password(
    auth: &AuthService,
    scope: &TenantScope,
    access: &Access,
    input: ChangePassword,
) -> Result<(), ChangePasswordError> {
    let ChangePassword { current, new, origin } = input;
    let tenant = scope.tenant().to_string();
    let reservation =
        auth.reserve_attempt(auth.rate_limiter.account_buckets(&tenant, &access.user.email, origin.address)).await?;
    let verified = verify(auth, scope, access.user.id, current).await;
    let outcome = match &verified {
        Ok(Some(_)) => AttemptOutcome::Succeeded,
        Ok(None) => AttemptOutcome::Failed,
        Err(_) => AttemptOutcome::Aborted,
    };
    auth.finish_attempt(reservation, outcome).await?;
    let user = access.user.id;
    let record =
        Record::new(Principal::User(user), origin, Action::PasswordChanged, &*auth.clock).about(target::USER, &user);
    let Some(stored) = verified? else {
        append_tenant_record(&*auth.database, scope, &record.refused()).await?;
        return Err(ChangePasswordError::WrongPassword);
    };
    let new =
        auth.hasher.hash(new, HashRequester::Authenticated, &*auth.entropy).await.map_err(AuthServiceError::from)?;

    let mut tx = auth.database.tenant(scope).await?;
    let outcome = async {
        replace(auth, &mut *tx, user, access.session.id, &stored, &new).await?;
        AuditRepo::append_audit_record(&mut *tx, &record).await?;
        Ok(())
    }
    .await;
    settle(tx, outcome).await
}

/// Returns the hash that was verified, if the password is correct.
async fn verify(
    auth: &AuthService,
    scope: &TenantScope,
    user: UserId,
    current: Password,
) -> Result<Option<PasswordHash>, AuthServiceError> {
    let mut tx = auth.database.tenant(scope).await?;
    let found = UserRepo::lock_user(&mut *tx, user).await;
    let Some((_, stored)) = settle(tx, found).await? else { return Ok(None) };
    let verification = auth.hasher.verify(current, stored.clone(), false, &*auth.entropy).await?;
    Ok(matches!(verification, PasswordVerification::Match { .. }).then_some(stored))
}

async fn replace(
    auth: &AuthService,
    tx: &mut dyn UserSessionTx,
    user: UserId,
    session: SessionId,
    stored: &PasswordHash,
    new: &PasswordHash,
) -> Result<(), ChangePasswordError> {
    // A concurrent change may have replaced the password that was verified.
    let unchanged = |(_, hash): &(User, PasswordHash)| hash.as_phc() == stored.as_phc();
    tx.lock_user(user).await?.filter(unchanged).ok_or(ChangePasswordError::WrongPassword)?;
    tx.set_password(user, new).await?;
    tx.end_sessions(user, Some(session), auth.clock.now()).await?;
    Ok(())
}

impl From<StoreError> for ChangePasswordError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<ReserveError> for ChangePasswordError {
    fn from(error: ReserveError) -> Self {
        match error {
            ReserveError::RateLimited(refusal) | ReserveError::AddressUnknown(refusal) => refusal.into(),
            ReserveError::Failed(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use kernel::Clock as _;

    use super::*;
    use crate::fake::{FakeStore, access, auth_service, hash_of, run};

    fn replace_in(store: &mut FakeStore, session: SessionId, verified: &str) -> Result<(), ChangePasswordError> {
        let (auth, user) = (auth_service(store), store.caller);
        run(replace(&auth, store, user, session, &hash_of(verified), &hash_of("new password")))
    }

    #[test]
    fn new_password_ends_all_other_sessions() {
        let mut store = FakeStore::with_owner();
        let (this, _) = (access(&mut store), access(&mut store));
        replace_in(&mut store, this.session.id, "owner's password").unwrap();
        assert_eq!(store.users[0].1.as_phc(), hash_of("new password").as_phc());
        let active = store.active_sessions(store.caller, store.clock.now());
        assert_eq!(active.iter().map(|session| session.id).collect::<Vec<_>>(), [this.session.id]);
    }

    #[test]
    fn password_changed_meanwhile_is_not_replaced() {
        let mut store = FakeStore::with_owner();
        let this = access(&mut store);
        let outcome = replace_in(&mut store, this.session.id, "former password");
        assert!(matches!(outcome, Err(ChangePasswordError::WrongPassword)));
        assert_eq!(store.users[0].1.as_phc(), hash_of("owner's password").as_phc());
    }
}
