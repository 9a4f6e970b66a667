use std::fmt;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use kernel::ids::{SessionId, TenantId, UserId};
use kernel::{Clock, Entropy, NoEntropy};
use secrecy::{ExposeSecret, SecretString};

use crate::digest::sha256;

/// One login of one user.
#[derive(Clone, Debug)]
pub struct Session {
    pub id: SessionId,
    pub user: UserId,
    pub client: Client,
    pub created_at: DateTime<Utc>,
    /// Ends then unless it is used before.
    pub idle_expires_at: DateTime<Utc>,
    /// Ends then in any case.
    pub expires_at: DateTime<Utc>,
}

/// Where a session was started, to be recognized in the list of one's sessions.
#[derive(Clone, Debug, Default)]
pub struct Client {
    pub address: Option<IpAddr>,
    pub user_agent: Option<String>,
}

impl Session {
    const IDLE: TimeDelta = TimeDelta::days(7);
    const ABSOLUTE: TimeDelta = TimeDelta::days(30);

    #[must_use]
    pub fn start(user: UserId, client: Client, clock: &dyn Clock) -> Self {
        let now = clock.now();
        Self {
            id: SessionId::new(clock),
            user,
            client,
            created_at: now,
            idle_expires_at: now + Self::IDLE,
            expires_at: now + Self::ABSOLUTE,
        }
    }
}

/// An opaque secret, `rt1_<tenant>.<256 random bits>`. The tenant in it lets the look-up run in that tenant's scope.
#[derive(Clone)]
pub struct RefreshToken(SecretString);

/// What is stored of a refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshTokenHash([u8; 32]);

impl RefreshToken {
    const PREFIX: &str = "rt1_";

    /// # Errors
    /// [`NoEntropy`].
    pub fn generate(tenant: TenantId, entropy: &dyn Entropy) -> Result<Self, NoEntropy> {
        let mut random = [0; 32];
        entropy.fill(&mut random)?;
        Ok(Self(format!("{}{tenant}.{}", Self::PREFIX, URL_SAFE_NO_PAD.encode(random)).into()))
    }

    #[must_use]
    pub fn hash(&self) -> RefreshTokenHash {
        RefreshTokenHash(sha256(self.expose()))
    }

    /// The token itself, for the one answer that carries it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken(***)")
    }
}

impl RefreshTokenHash {
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use kernel::{SystemClock, SystemEntropy};

    use super::*;

    #[test]
    fn refresh_tokens_name_their_tenant_and_are_never_alike() {
        let tenant = TenantId::new(&SystemClock::new());
        let entropy = SystemEntropy::new();
        let token = RefreshToken::generate(tenant, &entropy).unwrap();
        assert!(token.expose().starts_with(&format!("rt1_{tenant}.")));
        assert_ne!(token.hash(), RefreshToken::generate(tenant, &entropy).unwrap().hash());
        assert_eq!(format!("{token:?}"), "RefreshToken(***)");
    }
}
