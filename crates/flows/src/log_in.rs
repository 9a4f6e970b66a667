use audit::{Action, Actor, Origin, Record, target};
use iam::{
    Email, Password, PasswordHash, Tenant, TenantReference, TenantStatus, User, UserRepo, UserStatus, Verification,
};
use kernel::ids::{TenantId, UserId};
use kernel::{StoreError, TenantScope};
use rbac::RoleKey;
use tokens::{Client, Session, SessionRepo};

use crate::audited::{note_for_operators, note_for_tenant};
use crate::find_tenant::log_tenant;
use crate::sessions::note_ended;
use crate::throttle::{ReserveError, Try};
use crate::{Admission, Admitted, Candidate, Identity, LoggedIn, TenantTx, Throttled, TokensError, settle};

/// Somebody at the door.
#[derive(Debug)]
pub struct LogIn {
    pub tenant: TenantReference,
    pub email: Email,
    pub password: Password,
    pub client: Client,
    pub origin: Origin,
}

#[derive(Debug, thiserror::Error)]
pub enum LogInError {
    /// One answer, whatever was wrong: tenant, user, password or a suspension.
    #[error("the credentials are wrong")]
    InvalidCredentials,
    #[error(transparent)]
    Throttled(#[from] Throttled),
    #[error(transparent)]
    Failed(#[from] TokensError),
}

/// Somebody who knows the password, as they were when it was verified.
struct Known {
    tenant: Tenant,
    user: User,
    stored: PasswordHash,
    roles: Vec<RoleKey>,
    renewed: Option<PasswordHash>,
}

/// Somebody who is not let in. Only the audit log tells why.
struct Refused {
    tenant: Option<TenantId>,
    user: Option<UserId>,
    why: &'static str,
}

/// Lets a user in who knows their password. A refused one costs the same work, whatever was wrong. It must be driven to its
/// end, whether or not somebody waits for it: a try that nobody settles counts as a failure.
///
/// # Errors
/// [`LogInError`].
pub async fn log_in(identity: &Identity, input: LogIn) -> Result<LoggedIn, LogInError> {
    let LogIn { tenant, email, password, client, origin } = input;
    let candidate = identity.database.candidate(&tenant, &email).await?;
    if let Some(candidate) = &candidate {
        log_tenant(&candidate.tenant);
    }
    let name = tenant.counted_as(candidate.as_ref().map(|candidate| &candidate.tenant));
    let counted = identity.throttle.of_account(&name, &email, client.address);
    let slot = identity.reserve(counted).await?;
    let verified = verify(identity, candidate, password).await;
    let outcome = match &verified {
        Ok(Ok(_)) => Try::Right,
        Ok(Err(_)) => Try::Wrong,
        Err(_) => Try::None,
    };
    identity.settle_try(slot, outcome).await?;
    let known = match verified? {
        Ok(known) => known,
        Err(refused) => {
            note(identity, &refused, &name, origin).await?;
            return Err(LogInError::InvalidCredentials);
        }
    };
    admit(identity, known, client, origin).await
}

/// Whoever it is, if everything is right. Whatever is wrong, a password is verified: the time of the answer must not tell
/// which it was.
async fn verify(
    identity: &Identity,
    candidate: Option<Candidate>,
    password: Password,
) -> Result<Result<Known, Refused>, TokensError> {
    let Some(Candidate { tenant, user, roles }) = candidate else {
        identity.hasher.verify_nothing(password, &*identity.entropy).await?;
        return Ok(Err(Refused { tenant: None, user: None, why: "unknown_tenant" }));
    };
    let Some((user, stored)) = user else {
        identity.hasher.verify_nothing(password, &*identity.entropy).await?;
        return Ok(Err(Refused { tenant: Some(tenant.id), user: None, why: "unknown_user" }));
    };
    let may_work = tenant.status == TenantStatus::Active && user.status == UserStatus::Active;
    let verification = identity.hasher.verify(password, stored.clone(), may_work, &*identity.entropy).await?;
    let why = match verification {
        Verification::Right { renewed } if may_work => return Ok(Ok(Known { tenant, user, stored, roles, renewed })),
        Verification::Wrong => "wrong_password",
        Verification::Right { .. } if tenant.status == TenantStatus::Suspended => "suspended_tenant",
        Verification::Right { .. } => "suspended_user",
    };
    Ok(Err(Refused { tenant: Some(tenant.id), user: Some(user.id), why }))
}

async fn admit(identity: &Identity, known: Known, client: Client, origin: Origin) -> Result<LoggedIn, LogInError> {
    let Known { tenant, user, stored, roles, renewed } = known;
    let scope = scope(tenant.id);
    let record =
        Record::new(Actor::User(user.id), origin, Action::UserLoggedIn, &*identity.clock).about(target::USER, &user.id);
    let mut opening = identity.open(tenant.id, user.id, client)?;
    // Each time round, somebody else got in, or a key was replaced.
    loop {
        let admission = Admission {
            session: &opening.session,
            token: &opening.refresh_token.hash(),
            most: identity.sessions.per_user.max(1),
            verified: &stored,
            renewed: renewed.as_ref(),
            record: &record,
            kid: &opening.issued.kid,
        };
        match identity.database.admit(&scope, &admission).await? {
            Admitted::Started => return Ok(identity.logged_in(tenant, user, roles, opening.into_tokens())),
            Admitted::Changed => return Err(LogInError::InvalidCredentials),
            Admitted::Full => make_room(identity, &scope, &admission).await?,
            Admitted::KeyReplaced => {
                identity.read_keys_anew().await?;
                opening = identity.open(tenant.id, user.id, opening.session.client)?;
            }
        }
    }
}

/// Ends the oldest sessions of a user who has as many as they may, and is still who was verified.
async fn make_room(identity: &Identity, scope: &TenantScope, admission: &Admission<'_>) -> Result<(), StoreError> {
    let mut tx = identity.database.tenant(scope).await?;
    let outcome = end_oldest(identity, &mut *tx, admission).await;
    settle(tx, outcome).await
}

async fn end_oldest(identity: &Identity, tx: &mut dyn TenantTx, admission: &Admission<'_>) -> Result<(), StoreError> {
    let Session { user, client, created_at, .. } = admission.session;
    let Some((locked, hash)) = UserRepo::lock_user(tx, *user).await? else { return Ok(()) };
    if locked.status != UserStatus::Active || hash.as_phc() != admission.verified.as_phc() {
        return Ok(());
    }
    let origin = Origin { address: client.address, ..Origin::default() };
    for ended in SessionRepo::end_oldest_sessions(tx, *user, admission.most - 1, *created_at).await? {
        note_ended(tx, *user, ended, "too_many", origin.clone(), &*identity.clock).await?;
    }
    Ok(())
}

/// Writes down who was refused: in the tenant's log, or, where there is no such tenant, in the operators'. How many there are
/// is limited as the tries are.
async fn note(identity: &Identity, refused: &Refused, named: &str, origin: Origin) -> Result<(), StoreError> {
    let record = Record::new(Actor::Anonymous, origin, Action::UserLoggedIn, &*identity.clock)
        .with("reason", refused.why)
        .refused();
    let Some(tenant) = refused.tenant else {
        return note_for_operators(&*identity.database, &record.about(target::TENANT, &named)).await;
    };
    let record = match refused.user {
        Some(user) => record.about(target::USER, &user),
        None => record,
    };
    note_for_tenant(&*identity.database, &scope(tenant), &record).await
}

#[expect(clippy::disallowed_methods, reason = "whoever logs in names the tenant; its user's password is then checked")]
const fn scope(tenant: TenantId) -> TenantScope {
    TenantScope::mint(tenant)
}

impl From<StoreError> for LogInError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<ReserveError> for LogInError {
    fn from(error: ReserveError) -> Self {
        match error {
            ReserveError::Throttled(throttled) => throttled.into(),
            ReserveError::Failed(error) => error.into(),
        }
    }
}
