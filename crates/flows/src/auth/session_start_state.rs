use chrono::{DateTime, Utc};
use iam::{PasswordHash, UserStatus};

use crate::StartSessionOutcome;

/// What decides whether a session may start: the specification of the SQL function `app.start_session_with_mac`, which decides it in
/// production, in the statement that also stores the session. A property test compares both.
#[derive(Clone, Debug)]
pub struct StartSessionState<'a> {
    /// The status and the current password hash of the user; `None` if the user was deleted.
    pub user: Option<(UserStatus, &'a PasswordHash)>,
    /// All sessions of the user, also ended ones.
    pub sessions: &'a [SessionLifetime],
    /// The signing key that is active.
    pub active_kid: Option<&'a str>,
}

/// When a session ends or has ended.
#[derive(Clone, Copy, Debug)]
pub struct SessionLifetime {
    pub idle_expires_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub revoked_at: Option<DateTime<Utc>>,
}

impl SessionLifetime {
    fn is_active(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && now < self.idle_expires_at && now < self.expires_at
    }
}

impl StartSessionState<'_> {
    /// The outcome of starting a session at `now`, for a user whose password was verified against `verified_hash` and whose
    /// access token was signed with the key `kid`. With several reasons to refuse, the first one of this order counts.
    #[must_use]
    pub fn outcome(
        &self,
        verified_hash: &PasswordHash,
        session_limit: u16,
        kid: &str,
        now: DateTime<Utc>,
    ) -> StartSessionOutcome {
        let current = |(status, hash): (UserStatus, &PasswordHash)| {
            status == UserStatus::Active && hash.as_phc() == verified_hash.as_phc()
        };
        if !self.user.is_some_and(current) {
            return StartSessionOutcome::CredentialsChanged;
        }
        let active = self.sessions.iter().filter(|session| session.is_active(now)).count();
        if active >= usize::from(session_limit) {
            return StartSessionOutcome::SessionLimitReached;
        }
        if self.active_kid != Some(kid) {
            return StartSessionOutcome::SigningKeyReplaced;
        }
        StartSessionOutcome::Started
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn outcome(status: UserStatus, sessions: &[SessionLifetime], limit: u16, kid: &str) -> StartSessionOutcome {
        let hash = PasswordHash::from_stored("hash".to_owned());
        let state = StartSessionState { user: Some((status, &hash)), sessions, active_kid: Some("active") };
        state.outcome(&hash, limit, kid, now())
    }

    #[test]
    fn session_starts_below_limit() {
        let later = now() + TimeDelta::minutes(1);
        let active = SessionLifetime { idle_expires_at: later, expires_at: later, revoked_at: None };
        let expired = SessionLifetime { expires_at: now(), ..active };
        let idle = SessionLifetime { idle_expires_at: now(), ..active };
        let revoked = SessionLifetime { revoked_at: Some(now()), ..active };
        let sessions = [active, expired, idle, revoked];
        assert_eq!(outcome(UserStatus::Active, &sessions, 2, "active"), StartSessionOutcome::Started);
        assert_eq!(outcome(UserStatus::Active, &sessions, 1, "active"), StartSessionOutcome::SessionLimitReached);
    }

    #[test]
    fn first_reason_to_refuse_counts() {
        let refused = outcome(UserStatus::Suspended, &[], 0, "replaced");
        assert_eq!(refused, StartSessionOutcome::CredentialsChanged);
        assert_eq!(outcome(UserStatus::Active, &[], 0, "replaced"), StartSessionOutcome::SessionLimitReached);
        assert_eq!(outcome(UserStatus::Active, &[], 1, "replaced"), StartSessionOutcome::SigningKeyReplaced);
    }
}
