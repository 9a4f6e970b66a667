use std::time::Duration;

use audit::{Action, Principal, Record, RequestOrigin, target};
use chrono::{DateTime, Utc};
use iam::{Tenant, TenantReference, TenantStatus, UserStatus};
use kernel::{StoreError, TenantScope};
use tokens::{
    ClientTag, RefreshToken, RefreshVerdict, Session, SessionClient, SessionRepo, StoredRefreshToken, TokenLock,
};

use super::ports::{EndSessionTx, RefreshTx};
use super::service::SessionTokens;
use crate::{AuthService, AuthServiceError, LoggedIn, settle};

/// A request to refresh a session.
#[derive(Debug)]
pub struct Refresh {
    pub token: RefreshToken,
    /// The tenant that the request names beside the token, if any.
    pub tenant: Option<TenantReference>,
    /// When the request arrived.
    pub arrived_at: DateTime<Utc>,
    pub client: SessionClient,
    pub origin: RequestOrigin,
}

#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// The token does not exist.
    #[error("there is no such refresh token")]
    UnknownToken,
    /// The session has ended, or its user or tenant is suspended.
    #[error("the session has ended")]
    SessionEnded,
    /// The token was used before, so it was probably stolen: its session is ended.
    #[error("a used refresh token was presented again")]
    Replayed,
    /// A concurrent request uses the same token and receives the next one.
    #[error("another request refreshes with the same token")]
    Conflict,
    #[error("the request names another tenant than the token's")]
    TenantMismatch,
    #[error(transparent)]
    Failed(#[from] AuthServiceError),
}

/// Delays the winner's response, so that duplicates sent at the same time arrive before it and are not taken for a replay.
const OVERLAP_GRACE: Duration = Duration::from_millis(100);

/// Exchanges a refresh token for the next one and an access token. Of concurrent requests with the same token one wins; a later
/// request with it ends the session. The future must be polled to completion even if the client disconnects: otherwise the
/// token is used up and its successor is lost.
///
/// # Errors
/// [`RefreshError`].
pub async fn refresh(auth: &AuthService, input: Refresh) -> Result<LoggedIn, RefreshError> {
    #[expect(clippy::disallowed_methods, reason = "the token names the tenant, and is then looked up there")]
    let scope = TenantScope::mint(input.token.tenant());
    let mut tx = auth.database.tenant(&scope).await?;
    let outcome = exchange(auth, &mut *tx, &input).await;
    let logged_in = settle(tx, outcome).await??;
    auth.timer.sleep(OVERLAP_GRACE).await;
    // Recorded before the response: a request that arrives later is a replay, not a concurrent one. If recording fails,
    // requests of the next seconds still count as concurrent.
    if let Ok(mut tx) = auth.database.tenant(&scope).await {
        let noted = SessionRepo::record_refresh_response(&mut *tx, &input.token.hash(), auth.clock.now()).await;
        let _ = settle(tx, noted).await;
    }
    Ok(logged_in)
}

/// A refusal whose writes must be committed is an `Ok(Err(..))`.
async fn exchange(
    auth: &AuthService,
    tx: &mut dyn RefreshTx,
    input: &Refresh,
) -> Result<Result<LoggedIn, RefreshError>, RefreshError> {
    let hash = input.token.hash();
    let stored = match tx.lock_refresh_token(&hash).await? {
        TokenLock::Acquired(stored) => *stored,
        TokenLock::Contended => return Ok(Err(RefreshError::Conflict)),
        TokenLock::UnknownToken => return Err(RefreshError::UnknownToken),
    };
    let tenant = tx.tenant().await?.ok_or(RefreshError::SessionEnded)?;
    if input.tenant.as_ref().is_some_and(|named| !named.matches(&tenant)) {
        return Err(RefreshError::TenantMismatch);
    }
    let now = auth.clock.now();
    match stored.verdict(input.arrived_at, now) {
        RefreshVerdict::SessionEnded => return Err(RefreshError::SessionEnded),
        RefreshVerdict::Concurrent => {
            tx.record_concurrent_refresh(&hash).await?;
            return Ok(Err(RefreshError::Conflict));
        }
        RefreshVerdict::Replayed => {
            if let Some(repeated) = repeat_response(auth, tx, input, &stored, &tenant).await? {
                return Ok(Ok(repeated));
            }
            end_stolen(auth, tx, &stored.session, &input.origin).await?;
            return Ok(Err(RefreshError::Replayed));
        }
        RefreshVerdict::Current => {}
    }
    let user = tx.user(stored.session.user).await?.filter(|user| user.status == UserStatus::Active);
    let user = user.filter(|_| tenant.status == TenantStatus::Active).ok_or(RefreshError::SessionEnded)?;
    let client = ClientTag::of(&input.client, &auth.key_ring);
    if !tx.consume_refresh_token(&hash, client.first(), now).await? {
        return Err(RefreshError::Conflict);
    }
    let session = stored.session.refreshed(&auth.sessions, now);
    let next = input.token.successors(&auth.key_ring).into_iter().next();
    let refresh_token = next.map_or_else(|| RefreshToken::generate(tenant.id, &*auth.entropy), Ok);
    let refresh_token = refresh_token.map_err(AuthServiceError::from)?;
    let token = auth.clock.new_id();
    if !tx.refresh_session(&session, &refresh_token.hash(), token).await? {
        return Err(RefreshError::SessionEnded);
    }
    let access_token = auth.access_token(tx, tenant.id, &session, token).await?;
    let roles = tx.role_keys(user.id).await?;
    Ok(Ok(auth.logged_in(tenant, user, roles, SessionTokens { access_token, refresh_token })))
}

/// The tokens that this token was exchanged for, if the client probably lost the response: see
/// [`StoredRefreshToken::repeatable_for`].
async fn repeat_response(
    auth: &AuthService,
    tx: &mut dyn RefreshTx,
    input: &Refresh,
    stored: &StoredRefreshToken,
    tenant: &Tenant,
) -> Result<Option<LoggedIn>, RefreshError> {
    let client = ClientTag::of(&input.client, &auth.key_ring);
    let Some(access_token) = stored.repeatable_for(&client, auth.sessions.refresh_grace, input.arrived_at) else {
        return Ok(None);
    };
    let user = tx.user(stored.session.user).await?.filter(|user| user.status == UserStatus::Active);
    let Some(user) = user.filter(|_| tenant.status == TenantStatus::Active) else { return Ok(None) };
    for refresh_token in input.token.successors(&auth.key_ring) {
        let is_next = match tx.lock_refresh_token(&refresh_token.hash()).await? {
            TokenLock::Acquired(next) => next.used_at.is_none() && next.session.id == stored.session.id,
            TokenLock::Contended | TokenLock::UnknownToken => false,
        };
        if is_next {
            let access_token = auth.access_token(tx, tenant.id, &stored.session, access_token).await?;
            let roles = tx.role_keys(user.id).await?;
            let tokens = SessionTokens { access_token, refresh_token };
            return Ok(Some(auth.logged_in(tenant.clone(), user, roles, tokens)));
        }
    }
    Ok(None)
}

async fn end_stolen(
    auth: &AuthService,
    tx: &mut dyn EndSessionTx,
    session: &Session,
    origin: &RequestOrigin,
) -> Result<(), StoreError> {
    tx.end_session(session.user, session.id, auth.clock.now()).await?;
    // Anonymous: the caller may be the owner of the token or the thief.
    let record = Record::new(Principal::Anonymous, origin.clone(), Action::TokenReuse, &*auth.clock)
        .about(target::SESSION, &session.id)
        .with("user_id", session.user.to_string())
        .refused();
    tx.append_audit_record(&record).await
}

impl From<StoreError> for RefreshError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use kernel::Clock as _;
    use rbac::SystemRole;

    use super::*;
    use crate::fake::{FakeStore, auth_service, run, start_session};

    struct Fixture {
        store: FakeStore,
        auth: AuthService,
        token: RefreshToken,
        address: &'static str,
    }

    impl Fixture {
        fn new() -> Self {
            let mut store = FakeStore::with_owner();
            let auth = auth_service(&mut store);
            let (_, token) = start_session(&mut store);
            store.clock.advance(TimeDelta::minutes(10));
            Self { store, auth, token, address: "203.0.113.1" }
        }

        fn exchange(&mut self) -> Result<LoggedIn, RefreshError> {
            self.exchange_for(None)
        }

        /// The response is sent.
        fn answer(&mut self) {
            self.store.token(&self.token.hash()).answered_at = Some(self.store.clock.now());
            self.store.clock.advance(TimeDelta::seconds(1));
        }

        fn exchange_for(&mut self, tenant: Option<TenantReference>) -> Result<LoggedIn, RefreshError> {
            let (token, arrived_at) = (self.token.clone(), self.store.clock.now());
            let client = SessionClient { address: self.address.parse().ok(), user_agent: None };
            let input = Refresh { token, tenant, arrived_at, client, origin: RequestOrigin::default() };
            run(exchange(&self.auth, &mut self.store, &input)).and_then(|outcome| outcome)
        }
    }

    #[test]
    fn current_token_is_exchanged_for_the_next() {
        let mut it = Fixture::new();
        let logged_in = it.exchange().unwrap();
        assert_eq!(logged_in.roles, [SystemRole::Owner.key()]);
        let verified = it.auth.keys.current().verify(&it.auth.policy, &logged_in.access_token, it.store.clock.now());
        assert_eq!(verified.unwrap().claims.user, it.store.caller);
        it.token = logged_in.refresh_token;
        it.store.clock.advance(TimeDelta::minutes(10));
        assert!(it.exchange().is_ok(), "the next token works");
        assert!(it.store.audit_log.is_empty());
    }

    #[test]
    fn unknown_token_is_refused() {
        let mut it = Fixture::new();
        it.token = RefreshToken::generate(crate::fake::TENANT, &*it.auth.entropy).unwrap();
        assert!(matches!(it.exchange(), Err(RefreshError::UnknownToken)));
    }

    #[test]
    fn used_token_ends_its_session() {
        let mut it = Fixture::new();
        it.exchange().unwrap();
        it.store.clock.advance(TimeDelta::minutes(10));
        assert!(matches!(it.exchange(), Err(RefreshError::Replayed)));
        assert!(it.store.active_sessions(it.store.caller, it.store.clock.now()).is_empty());
        let record = it.store.audit_log.pop().unwrap();
        assert_eq!((record.action, record.actor), (Action::TokenReuse, Principal::Anonymous));
        assert_eq!(record.changes["user_id"], it.store.caller.to_string());
    }

    #[test]
    fn client_that_lost_the_response_gets_the_same_next_token() {
        let mut it = Fixture::new();
        let first = it.exchange().unwrap();
        it.answer();
        let again = it.exchange().unwrap();
        assert_eq!(again.refresh_token.hash(), first.refresh_token.hash());
        assert!(it.store.audit_log.is_empty());
        it.token = again.refresh_token;
        assert!(it.exchange().is_ok(), "the next token works");
    }

    #[test]
    fn used_token_of_another_client_ends_its_session() {
        let mut it = Fixture::new();
        it.exchange().unwrap();
        it.answer();
        it.address = "203.0.113.2";
        assert!(matches!(it.exchange(), Err(RefreshError::Replayed)));
    }

    #[test]
    fn used_token_ends_its_session_once_the_next_was_used() {
        let mut it = Fixture::new();
        let (first, next) = (it.token.clone(), it.exchange().unwrap().refresh_token);
        it.answer();
        it.token = next;
        it.exchange().unwrap();
        it.token = first;
        assert!(matches!(it.exchange(), Err(RefreshError::Replayed)));
    }

    #[test]
    fn token_used_by_overlapping_request_is_a_conflict() {
        let mut it = Fixture::new();
        it.exchange().unwrap();
        assert!(matches!(it.exchange(), Err(RefreshError::Conflict)), "before the response of the first");
        assert!(it.store.token(&it.token.hash()).overlapped);
        assert_eq!(it.store.active_sessions(it.store.caller, it.store.clock.now()).len(), 1);
    }

    #[test]
    fn token_locked_by_another_transaction_is_a_conflict() {
        let mut it = Fixture::new();
        it.store.refresh_token_is_locked = true;
        assert!(matches!(it.exchange(), Err(RefreshError::Conflict)));
    }

    #[test]
    fn token_of_another_tenant_than_named_stays_unused() {
        let mut it = Fixture::new();
        let other: TenantReference = "other".parse().unwrap();
        assert!(matches!(it.exchange_for(Some(other)), Err(RefreshError::TenantMismatch)));
        assert!(it.exchange_for(Some("acme".parse().unwrap())).is_ok());
    }

    #[test]
    fn suspended_user_or_tenant_gets_no_token() {
        let mut it = Fixture::new();
        it.store.suspend(it.store.caller);
        assert!(matches!(it.exchange(), Err(RefreshError::SessionEnded)));
        let mut it = Fixture::new();
        it.store.tenant.as_mut().unwrap().status = TenantStatus::Suspended;
        assert!(matches!(it.exchange(), Err(RefreshError::SessionEnded)));
    }

    #[test]
    fn expired_session_gets_no_token() {
        let mut it = Fixture::new();
        it.store.clock.advance(it.auth.sessions.idle);
        assert!(matches!(it.exchange(), Err(RefreshError::SessionEnded)));
    }
}
