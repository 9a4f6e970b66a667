use audit::{Action, Actor, AuditRepo, Origin, Record, target};
use iam::{Password, PasswordHash, User, UserRepo, Verification};
use kernel::ids::{SessionId, UserId};
use kernel::{StoreError, TenantScope};
use tokens::SessionRepo;

use crate::audited::note_for_tenant;
use crate::throttle::{ReserveError, Try};
use crate::{Access, Identity, TenantTx, Throttled, TokensError, settle};

/// A user who wants another password.
#[derive(Debug)]
pub struct ChangePassword {
    pub current: Password,
    pub new: Password,
    /// Where they are.
    pub origin: Origin,
}

#[derive(Debug, thiserror::Error)]
pub enum ChangePasswordError {
    #[error("the current password is another one")]
    WrongPassword,
    #[error(transparent)]
    Throttled(#[from] Throttled),
    #[error(transparent)]
    Failed(#[from] TokensError),
}

/// Sets a user's own password and ends their other sessions: whoever has stolen one is out. A stolen session must not
/// become a known password, so tries are counted as those of logging in. It must be driven to its end, as
/// [`log_in`](crate::log_in).
///
/// # Errors
/// [`ChangePasswordError`].
pub async fn change_password(
    identity: &Identity,
    scope: &TenantScope,
    access: &Access,
    input: ChangePassword,
) -> Result<(), ChangePasswordError> {
    let ChangePassword { current, new, origin } = input;
    let tenant = scope.tenant().to_string();
    let slot = identity.reserve(identity.throttle.of_account(&tenant, &access.user.email, origin.address)).await?;
    let verified = verify(identity, scope, access.user.id, current).await;
    let outcome = match &verified {
        Ok(Some(_)) => Try::Right,
        Ok(None) => Try::Wrong,
        Err(_) => Try::None,
    };
    identity.settle_try(slot, outcome).await?;
    let user = access.user.id;
    let record =
        Record::new(Actor::User(user), origin, Action::PasswordChanged, &*identity.clock).about(target::USER, &user);
    let Some(stored) = verified? else {
        note_for_tenant(&*identity.database, scope, &record.refused()).await?;
        return Err(ChangePasswordError::WrongPassword);
    };
    let new = identity.hasher.hash(new, &*identity.entropy).await.map_err(TokensError::from)?;

    let mut tx = identity.database.tenant(scope).await?;
    let outcome = async {
        replace(identity, &mut *tx, user, access.session.id, &stored, &new).await?;
        AuditRepo::append_audit_record(&mut *tx, &record).await?;
        Ok(())
    }
    .await;
    settle(tx, outcome).await
}

/// The hash that was verified, if the password is right.
async fn verify(
    identity: &Identity,
    scope: &TenantScope,
    user: UserId,
    current: Password,
) -> Result<Option<PasswordHash>, TokensError> {
    let mut tx = identity.database.tenant(scope).await?;
    let found = UserRepo::lock_user(&mut *tx, user).await;
    let Some((_, stored)) = settle(tx, found).await? else { return Ok(None) };
    let verification = identity.hasher.verify(current, stored.clone(), false, &*identity.entropy).await?;
    Ok(matches!(verification, Verification::Right { .. }).then_some(stored))
}

async fn replace(
    identity: &Identity,
    tx: &mut dyn TenantTx,
    user: UserId,
    session: SessionId,
    stored: &PasswordHash,
    new: &PasswordHash,
) -> Result<(), ChangePasswordError> {
    // Of two changes at once, the second was made with a password that is not the current one any more.
    let unchanged = |(_, hash): &(User, PasswordHash)| hash.as_phc() == stored.as_phc();
    UserRepo::lock_user(tx, user).await?.filter(unchanged).ok_or(ChangePasswordError::WrongPassword)?;
    UserRepo::set_password(tx, user, new).await?;
    SessionRepo::end_sessions(tx, user, Some(session), identity.clock.now()).await?;
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
            ReserveError::Throttled(throttled) => throttled.into(),
            ReserveError::Failed(error) => error.into(),
        }
    }
}
