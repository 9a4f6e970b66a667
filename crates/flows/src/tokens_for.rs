use std::fmt;
use std::sync::Arc;

use chrono::TimeDelta;
use iam::{HashError, PasswordHasher, Tenant, Throttle, User};
use kernel::ids::{TenantId, UserId};
use kernel::{Clock, Entropy, NoEntropy, StoreError};
use rbac::RoleKey;
use tokens::{Claims, Client, IssueError, Issued, RefreshToken, Session, SessionPolicy, SessionRepo, TokenPolicy};
use uuid::Uuid;

use crate::find_tenant::log_user;
use crate::{Database, SigningKeys, SigningKeysError, TenantTx};

/// What it takes to let people in.
#[derive(Clone)]
pub struct Identity {
    pub database: Arc<dyn Database>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub hasher: PasswordHasher,
    /// The same for all instances.
    pub throttle: Throttle,
    pub keys: Arc<SigningKeys>,
    pub policy: TokenPolicy,
    pub sessions: SessionPolicy,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("policy", &self.policy).finish_non_exhaustive()
    }
}

/// Somebody who got in, and the tokens they work with.
#[derive(Debug)]
pub struct LoggedIn {
    pub tenant: Tenant,
    pub user: User,
    pub roles: Vec<RoleKey>,
    pub access_token: String,
    pub expires_in: TimeDelta,
    pub refresh_token: RefreshToken,
}

/// What can go wrong while somebody is let in, on our side.
#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Hash(#[from] HashError),
    #[error(transparent)]
    Issue(#[from] IssueError),
    #[error(transparent)]
    Keys(#[from] SigningKeysError),
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
}

/// A session that is about to start, and its tokens.
pub(crate) struct Opening {
    pub(crate) session: Session,
    pub(crate) refresh_token: RefreshToken,
    pub(crate) issued: Issued,
}

/// The secrets of a new session.
pub(crate) struct SessionTokens {
    pub(crate) access_token: String,
    pub(crate) refresh_token: RefreshToken,
}

impl Opening {
    pub(crate) fn into_tokens(self) -> SessionTokens {
        SessionTokens { access_token: self.issued.token, refresh_token: self.refresh_token }
    }
}

impl Identity {
    /// Somebody who got in, as they are told.
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

    /// Makes a session that nobody knows of yet, and its tokens.
    pub(crate) fn open(&self, tenant: TenantId, user: UserId, client: Client) -> Result<Opening, TokensError> {
        let session = Session::start(user, client, &self.sessions, &*self.clock);
        let refresh_token = RefreshToken::generate(tenant, &*self.entropy)?;
        let issued = self.issue(tenant, &session, self.clock.new_id())?;
        Ok(Opening { session, refresh_token, issued })
    }

    /// Starts the first session of a user who was just made, in the same transaction.
    pub(crate) async fn start_first_session(
        &self,
        tx: &mut dyn TenantTx,
        tenant: TenantId,
        user: UserId,
        client: Client,
    ) -> Result<SessionTokens, TokensError> {
        let session = Session::start(user, client, &self.sessions, &*self.clock);
        let refresh_token = RefreshToken::generate(tenant, &*self.entropy)?;
        SessionRepo::start_session(tx, &session, &refresh_token.hash()).await?;
        let access_token = self.access_token(tx, tenant, &session, self.clock.new_id()).await?;
        Ok(SessionTokens { access_token, refresh_token })
    }

    /// An access token for a session that was just seen, signed with the key that is active at this moment: ours may have
    /// been replaced or revoked elsewhere since we last asked.
    pub(crate) async fn access_token(
        &self,
        tx: &mut dyn TenantTx,
        tenant: TenantId,
        session: &Session,
        token: Uuid,
    ) -> Result<String, TokensError> {
        let issued = self.issue(tenant, session, token)?;
        if SessionRepo::is_signing_key_active(tx, &issued.kid).await? {
            return Ok(issued.token);
        }
        self.read_keys_anew().await?;
        Ok(self.issue(tenant, session, token)?.token)
    }

    /// Reads which key is the active one; it signs from then on.
    pub(crate) async fn read_keys_anew(&self) -> Result<(), TokensError> {
        Ok(self.keys.read_anew(&*self.database, self.clock.now()).await?)
    }

    /// An access token by the key that is active as far as we know.
    fn issue(&self, tenant: TenantId, session: &Session, token: Uuid) -> Result<Issued, IssueError> {
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
