use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use kernel::Clock;
use kernel::ids::{SessionId, UserId};

/// One login of one user.
#[derive(Clone, Debug)]
pub struct Session {
    pub id: SessionId,
    pub user: UserId,
    pub client: Client,
    pub created_at: DateTime<Utc>,
    /// When it was started or last refreshed.
    pub last_seen_at: DateTime<Utc>,
    /// Ends then unless it is refreshed before.
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

/// How long sessions last, and how many a user has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionPolicy {
    /// A session that is not refreshed for so long ends.
    pub idle: TimeDelta,
    /// A session ends after so long, however much it is used.
    pub absolute: TimeDelta,
    /// Of one user; with one more the oldest ends.
    pub per_user: u16,
}

impl SessionPolicy {
    /// A deployment's that says nothing.
    pub const DEFAULT: Self = Self { idle: TimeDelta::days(7), absolute: TimeDelta::days(30), per_user: 20 };
}

impl Session {
    #[must_use]
    pub fn start(user: UserId, client: Client, policy: &SessionPolicy, clock: &dyn Clock) -> Self {
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

    /// Whether it has not run out at that time. It may have been ended.
    #[must_use]
    pub fn lasts(&self, now: DateTime<Utc>) -> bool {
        now < self.idle_expires_at && now < self.expires_at
    }

    /// The same, refreshed.
    #[must_use]
    pub fn refreshed(self, policy: &SessionPolicy, now: DateTime<Utc>) -> Self {
        Self { last_seen_at: now, idle_expires_at: (now + policy.idle).min(self.expires_at), ..self }
    }
}
