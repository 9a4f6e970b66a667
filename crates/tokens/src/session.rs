use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use kernel::Clock;
use kernel::ids::{SessionId, UserId};

/// One login of one user.
#[derive(Clone, Debug)]
pub struct Session {
    pub id: SessionId,
    pub user: UserId,
    pub client: SessionClient,
    pub created_at: DateTime<Utc>,
    /// When the session was started or last refreshed.
    pub last_seen_at: DateTime<Utc>,
    /// The session ends then unless it is refreshed before.
    pub idle_expires_at: DateTime<Utc>,
    /// The session ends then, however often it is refreshed.
    pub expires_at: DateTime<Utc>,
}

/// The client that started a session, so that users recognize it in the list of their sessions.
#[derive(Clone, Debug, Default)]
pub struct SessionClient {
    pub address: Option<IpAddr>,
    pub user_agent: Option<String>,
}

/// How long sessions last, and how many a user may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionPolicy {
    /// A session ends if it is not refreshed for this time.
    pub idle: TimeDelta,
    /// A session ends after this time, however often it is refreshed.
    pub absolute: TimeDelta,
    /// The maximum per user; one more ends the oldest.
    pub per_user: u16,
    /// How long a client that lost the response to a refresh gets it again; zero is never.
    pub refresh_grace: TimeDelta,
}

impl SessionPolicy {
    /// The default of the configuration.
    pub const DEFAULT: Self = Self {
        idle: TimeDelta::days(7),
        absolute: TimeDelta::days(30),
        per_user: 20,
        refresh_grace: TimeDelta::seconds(10),
    };
}

impl Session {
    #[must_use]
    pub fn start(user: UserId, client: SessionClient, policy: &SessionPolicy, clock: &dyn Clock) -> Self {
        let now = clock.now();
        let expires_at = now + policy.absolute;
        Self {
            id: SessionId::new(clock),
            user,
            client,
            created_at: now,
            last_seen_at: now,
            idle_expires_at: (now + policy.idle).min(expires_at),
            expires_at,
        }
    }

    /// Whether the session has not expired at that time. It may have been ended before.
    #[must_use]
    pub fn is_unexpired(&self, now: DateTime<Utc>) -> bool {
        now < self.idle_expires_at && now < self.expires_at
    }

    /// The session after a refresh.
    #[must_use]
    pub fn refreshed(self, policy: &SessionPolicy, now: DateTime<Utc>) -> Self {
        Self { last_seen_at: now, idle_expires_at: (now + policy.idle).min(self.expires_at), ..self }
    }
}
