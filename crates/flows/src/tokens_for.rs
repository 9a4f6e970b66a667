use std::fmt;
use std::sync::Arc;

use audit::Origin;
use chrono::TimeDelta;
use iam::{HashError, PasswordHasher, Tenant, Throttle, User};
use kernel::ids::{TenantId, UserId};
use kernel::{Clock, Entropy, NoEntropy, StoreError};
use rbac::RoleKey;
use tokens::{Claims, Client, IssueError, Issued, RefreshToken, Session, SessionPolicy, SessionRepo, TokenPolicy};
use uuid::Uuid;

use crate::find_tenant::log_user;
use crate::sessions::note_ended;
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

/// The secrets of a new session.
pub(crate) struct SessionTokens {
    pub(crate) access_token: String,
    pub(crate) refresh_token: RefreshToken,
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

    /// Starts a session in an open transaction and makes its tokens. Whoever has too many loses the oldest. The user is locked,
    /// or nobody else knows them yet.
    pub(crate) async fn start_session(
        &self,
        tx: &mut dyn TenantTx,
        tenant: TenantId,
        user: UserId,
        client: Client,
    ) -> Result<SessionTokens, TokensError> {
        let origin = Origin { address: client.address, ..Origin::default() };
        let session = Session::start(user, client, &self.sessions, &*self.clock);
        let refresh_token = RefreshToken::generate(tenant, &*self.entropy)?;
        let claims = self.claims(tenant, &session, self.clock.new_id());
        let issued = self.keys.current().issue(&self.policy, &claims)?;
        let most = self.sessions.per_user;
        let started = SessionRepo::start_session(tx, &session, &refresh_token.hash(), most, &issued.kid).await?;
        for ended in started.ended {
            note_ended(tx, user, ended, "too_many", origin.clone(), &*self.clock).await?;
        }
        let access_token = self.by_the_active_key(issued, started.key_is_active, &claims).await?;
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
        let claims = self.claims(tenant, session, token);
        let issued = self.keys.current().issue(&self.policy, &claims)?;
        let is_active = SessionRepo::is_signing_key_active(tx, &issued.kid).await?;
        self.by_the_active_key(issued, is_active, &claims).await
    }

    fn claims(&self, tenant: TenantId, session: &Session, token: Uuid) -> Claims {
        Claims {
            user: session.user,
            tenant,
            session: session.id,
            token,
            issued_at: session.last_seen_at,
            expires_at: session.last_seen_at + self.policy.lifetime,
        }
    }

    /// The token if its key is the active one, or else another by the key that is.
    async fn by_the_active_key(&self, issued: Issued, is_active: bool, claims: &Claims) -> Result<String, TokensError> {
        if is_active {
            return Ok(issued.token);
        }
        self.keys.read_anew(&*self.database, self.clock.now()).await?;
        Ok(self.keys.current().issue(&self.policy, claims)?.token)
    }
}
