use std::fmt;
use std::sync::Arc;

use chrono::TimeDelta;
use iam::{HashError, PasswordHasher, Tenant, Throttle, User};
use kernel::ids::{TenantId, UserId};
use kernel::{Clock, Entropy, NoEntropy, StoreError};
use rbac::RoleKey;
use tokens::{Claims, Client, IssueError, KeySet, RefreshToken, Session, SessionRepo, TokenPolicy};

use crate::Database;

/// What it takes to let people in.
#[derive(Clone)]
pub struct Identity {
    pub database: Arc<dyn Database>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub hasher: PasswordHasher,
    /// The same for all instances.
    pub throttle: Throttle,
    pub keys: Arc<KeySet>,
    pub policy: TokenPolicy,
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
        LoggedIn {
            tenant,
            user,
            roles,
            access_token: tokens.access_token,
            expires_in: self.policy.lifetime,
            refresh_token: tokens.refresh_token,
        }
    }

    /// Starts a session in an open transaction and makes its tokens.
    pub(crate) async fn start_session(
        &self,
        repo: &mut dyn SessionRepo,
        tenant: TenantId,
        user: UserId,
        client: Client,
    ) -> Result<SessionTokens, TokensError> {
        let session = Session::start(user, client, &*self.clock);
        let refresh_token = RefreshToken::generate(tenant, &*self.entropy)?;
        let access_token = self.keys.issue(
            &self.policy,
            &Claims {
                user,
                tenant,
                session: session.id,
                token: self.clock.new_id(),
                issued_at: session.created_at,
                expires_at: session.created_at + self.policy.lifetime,
            },
        )?;
        repo.insert_session(&session, &refresh_token.hash()).await?;
        Ok(SessionTokens { access_token, refresh_token })
    }
}
