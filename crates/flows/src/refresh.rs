use audit::{Action, Actor, AuditRepo, Origin, Record, target};
use chrono::{DateTime, Utc};
use iam::{TenantReference, TenantRepo, TenantStatus, UserRepo, UserStatus};
use kernel::{StoreError, TenantScope};
use rbac::MembershipRepo;
use tokens::{Reached, RefreshToken, Session, SessionRepo, Showing};
use tokio::time::{Duration, sleep};

use crate::tokens_for::SessionTokens;
use crate::{Identity, LoggedIn, TenantTx, TokensError, settle};

/// Somebody who wants to go on.
#[derive(Debug)]
pub struct Refresh {
    pub token: RefreshToken,
    /// The tenant that the request names beside, if it does.
    pub tenant: Option<TenantReference>,
    /// When the request came in.
    pub arrived_at: DateTime<Utc>,
    pub origin: Origin,
}

#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// There is no such token.
    #[error("there is no such refresh token")]
    Unknown,
    /// The session is over, or its user or tenant is suspended.
    #[error("the session is over")]
    Over,
    /// Somebody has stolen the token: its session is ended.
    #[error("a used refresh token was shown again")]
    Reused,
    /// Another request uses the token at the same time, and has the next one.
    #[error("another request refreshes with the same token")]
    Conflict,
    #[error("another tenant is named than the token's")]
    TenantMismatch,
    #[error(transparent)]
    Failed(#[from] TokensError),
}

/// How long the winner waits for their answer, so that those who were sent at the same time are here before it. Nobody minds a
/// moment every quarter of an hour.
const GATHERING: Duration = Duration::from_millis(100);

/// Exchanges a refresh token for the next one and an access token. Of those who show it at the same time one wins; whoever shows
/// it afterwards ends the session. It must be driven to its end, whether or not somebody waits for it: a token that was used
/// and not answered is of no use to anybody.
///
/// # Errors
/// [`RefreshError`].
pub async fn refresh(identity: &Identity, input: Refresh) -> Result<LoggedIn, RefreshError> {
    #[expect(clippy::disallowed_methods, reason = "the token says the tenant, and is then looked for there")]
    let scope = TenantScope::mint(input.token.tenant());
    let mut tx = identity.database.tenant(&scope).await?;
    let outcome = exchange(identity, &mut *tx, &input).await;
    let logged_in = settle(tx, outcome).await??;
    sleep(GATHERING).await;
    // Before the answer: whoever comes after it has not overlapped. Where it cannot be written, those of the next seconds
    // have.
    if let Ok(mut tx) = identity.database.tenant(&scope).await {
        let noted = SessionRepo::note_refresh_answered(&mut *tx, &input.token.hash(), identity.clock.now()).await;
        let _ = settle(tx, noted).await;
    }
    Ok(logged_in)
}

/// What is to be kept although the caller is refused is in an `Ok`.
async fn exchange(
    identity: &Identity,
    tx: &mut dyn TenantTx,
    input: &Refresh,
) -> Result<Result<LoggedIn, RefreshError>, RefreshError> {
    let hash = input.token.hash();
    let stored = match SessionRepo::reach_for_refresh_token(tx, &hash).await? {
        Reached::Mine(stored) => *stored,
        Reached::Taken => return Ok(Err(RefreshError::Conflict)),
        Reached::Unknown => return Err(RefreshError::Unknown),
    };
    let tenant = TenantRepo::tenant(tx).await?.ok_or(RefreshError::Over)?;
    if input.tenant.as_ref().is_some_and(|named| !named.names(&tenant)) {
        return Err(RefreshError::TenantMismatch);
    }
    let now = identity.clock.now();
    match stored.shown(input.arrived_at, now) {
        Showing::Over => return Err(RefreshError::Over),
        Showing::Overlap => {
            SessionRepo::note_refresh_overlap(tx, &hash).await?;
            return Ok(Err(RefreshError::Conflict));
        }
        Showing::Reuse => {
            end_stolen(identity, tx, &stored.session, &input.origin).await?;
            return Ok(Err(RefreshError::Reused));
        }
        Showing::Fresh => {}
    }
    let user = UserRepo::user(tx, stored.session.user).await?.filter(|user| user.status == UserStatus::Active);
    let user = user.filter(|_| tenant.status == TenantStatus::Active).ok_or(RefreshError::Over)?;
    if !SessionRepo::use_refresh_token(tx, &hash, now).await? {
        return Err(RefreshError::Conflict);
    }
    let session = stored.session.refreshed(&identity.sessions, now);
    let refresh_token = RefreshToken::generate(tenant.id, &*identity.entropy).map_err(TokensError::from)?;
    let token = identity.clock.new_id();
    if !SessionRepo::refresh_session(tx, &session, &refresh_token.hash(), token).await? {
        return Err(RefreshError::Over);
    }
    let access_token = identity.access_token(tx, tenant.id, &session, token).await?;
    let roles = MembershipRepo::role_keys(tx, user.id).await?;
    Ok(Ok(identity.logged_in(tenant, user, roles, SessionTokens { access_token, refresh_token })))
}

async fn end_stolen(
    identity: &Identity,
    tx: &mut dyn TenantTx,
    session: &Session,
    origin: &Origin,
) -> Result<(), StoreError> {
    SessionRepo::end_session(tx, session.user, session.id, identity.clock.now()).await?;
    // Nobody knows which of the two who have shown it this one is.
    let record = Record::new(Actor::Anonymous, origin.clone(), Action::TokenReuse, &*identity.clock)
        .about(target::SESSION, &session.id)
        .with("user_id", session.user.to_string())
        .refused();
    AuditRepo::append_audit_record(tx, &record).await
}

impl From<StoreError> for RefreshError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}
