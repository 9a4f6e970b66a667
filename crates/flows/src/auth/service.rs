use std::fmt;
use std::sync::Arc;

use chrono::TimeDelta;
use iam::{HashError, PasswordHasher, RateLimiter, Tenant, User};
use kernel::ids::{TenantId, UserId};
use kernel::seal::KeyRing;
use kernel::{Clock, Entropy, EntropyUnavailable, StoreError};
use rbac::RoleKey;
use tokens::{
    Claims, IssueError, IssuedToken, RefreshToken, Session, SessionClient, SessionPolicy, SessionRepo, TokenPolicy,
};
use uuid::Uuid;

use super::log_fields::log_user;
use crate::{Database, SigningKeys, SigningKeysError, Timer};

/// What the use cases of authentication need.
#[derive(Clone)]
pub struct AuthService {
    pub database: Arc<dyn Database>,
    pub clock: Arc<dyn Clock>,
    pub timer: Arc<dyn Timer>,
    pub entropy: Arc<dyn Entropy>,
    pub hasher: Arc<dyn PasswordHasher>,
    /// Configured with the same secret on all instances.
    pub rate_limiter: RateLimiter,
    pub keys: Arc<SigningKeys>,
    pub policy: TokenPolicy,
    pub sessions: SessionPolicy,
    pub key_ring: Arc<KeyRing>,
}

impl fmt::Debug for AuthService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthService").field("policy", &self.policy).finish_non_exhaustive()
    }
}

/// A user who logged in, and the tokens of their session.
#[derive(Debug)]
pub struct LoggedIn {
    pub tenant: Tenant,
    pub user: User,
    pub roles: Vec<RoleKey>,
    pub access_token: String,
    pub expires_in: TimeDelta,
    pub refresh_token: RefreshToken,
}

/// A failure of the service, as opposed to a refusal.
#[derive(Debug, thiserror::Error)]
pub enum AuthServiceError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Hash(#[from] HashError),
    /// An attempt waited too long for attempts of the same account or address.
    #[error("too many attempts wait for the outcome of others")]
    TooManyPending,
    #[error(transparent)]
    Issue(#[from] IssueError),
    #[error(transparent)]
    Keys(#[from] SigningKeysError),
    #[error(transparent)]
    EntropyUnavailable(#[from] EntropyUnavailable),
}

/// A session that is not stored yet, and its tokens.
pub(crate) struct NewSession {
    pub(crate) session: Session,
    pub(crate) refresh_token: RefreshToken,
    pub(crate) issued: IssuedToken,
}

/// The secrets of a new session.
pub(crate) struct SessionTokens {
    pub(crate) access_token: String,
    pub(crate) refresh_token: RefreshToken,
}

impl NewSession {
    pub(crate) fn into_tokens(self) -> SessionTokens {
        SessionTokens { access_token: self.issued.token, refresh_token: self.refresh_token }
    }
}

impl AuthService {
    /// Builds the result of a login.
    pub(crate) fn logged_in(&self, tenant: Tenant, user: User, roles: Vec<RoleKey>, tokens: SessionTokens) -> LoggedIn {
        log_user(&tenant, &user);
        LoggedIn {
            tenant,
            user,
            roles,
            access_token: tokens.access_token,
            expires_in: self.policy.lifetime,
            refresh_token: tokens.refresh_token,
        }
    }

    /// Creates a session and its tokens; nothing is stored.
    pub(crate) fn new_session(
        &self,
        tenant: TenantId,
        user: UserId,
        client: SessionClient,
    ) -> Result<NewSession, AuthServiceError> {
        let session = Session::start(user, client, &self.sessions, &*self.clock);
        let refresh_token = RefreshToken::generate(tenant, &*self.entropy)?;
        let issued = self.issue(tenant, &session, self.clock.new_id())?;
        Ok(NewSession { session, refresh_token, issued })
    }

    /// Starts the first session of a user created in the same transaction.
    pub(crate) async fn start_first_session(
        &self,
        repo: &mut dyn SessionRepo,
        tenant: TenantId,
        user: UserId,
        client: SessionClient,
    ) -> Result<SessionTokens, AuthServiceError> {
        let session = Session::start(user, client, &self.sessions, &*self.clock);
        let refresh_token = RefreshToken::generate(tenant, &*self.entropy)?;
        repo.start_session(&session, &refresh_token.hash()).await?;
        let access_token = self.access_token(repo, tenant, &session, self.clock.new_id()).await?;
        Ok(SessionTokens { access_token, refresh_token })
    }

    /// Issues an access token, signed with the key that is active now: the cached one may have been replaced or revoked by
    /// another process.
    pub(crate) async fn access_token(
        &self,
        repo: &mut dyn SessionRepo,
        tenant: TenantId,
        session: &Session,
        token: Uuid,
    ) -> Result<String, AuthServiceError> {
        let issued = self.issue(tenant, session, token)?;
        if repo.is_signing_key_active(&issued.kid).await? {
            return Ok(issued.token);
        }
        self.reload_keys().await?;
        Ok(self.issue(tenant, session, token)?.token)
    }

    /// Reloads the signing keys from the database.
    pub(crate) async fn reload_keys(&self) -> Result<(), AuthServiceError> {
        Ok(self.keys.reload(&*self.database, self.clock.now()).await?)
    }

    /// Issues an access token with the cached active key.
    fn issue(&self, tenant: TenantId, session: &Session, token: Uuid) -> Result<IssuedToken, IssueError> {
        let claims = Claims {
            user: session.user,
            tenant,
            session: session.id,
            token,
            issued_at: session.last_seen_at,
            expires_at: session.last_seen_at + self.policy.lifetime,
        };
        self.keys.current().issue(&self.policy, &claims)
    }
}
