use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use kernel::ids::TenantId;
use kernel::{Entropy, NoEntropy};
use secrecy::{ExposeSecret, SecretString};

use crate::Session;
use crate::digest::sha256;

/// An opaque secret, `rt1_<tenant>.<256 random bits>`. The tenant in it lets the look-up run in that tenant's scope.
#[derive(Clone)]
pub struct RefreshToken {
    tenant: TenantId,
    text: SecretString,
}

/// What is stored of a refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshTokenHash([u8; 32]);

/// The text has not the form of a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no refresh token")]
pub struct NoRefreshToken;

/// A refresh token that was found, with its session.
#[derive(Clone, Debug)]
pub struct StoredRefreshToken {
    pub session: Session,
    /// When the session was ended, if it was.
    pub ended_at: Option<DateTime<Utc>>,
    /// When it was exchanged for the next one, if it was.
    pub used_at: Option<DateTime<Utc>>,
    /// When whoever did that was answered.
    pub answered_at: Option<DateTime<Utc>>,
    /// Whether other requests overlapped theirs.
    pub overlapped: bool,
    /// Whether what the session got last has been shown, so that the answer has arrived.
    pub confirmed: bool,
}

/// What came of reaching for a refresh token.
#[derive(Clone, Debug)]
pub enum Reached {
    /// Nobody else has it until the transaction ends.
    Mine(Box<StoredRefreshToken>),
    /// Somebody else has it at this moment; that is noted.
    Taken,
    /// There is none.
    Unknown,
}

/// What showing a refresh token means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Showing {
    /// It is the session's newest.
    Fresh,
    /// It was used while this request was on its way.
    Overlap,
    /// It was used before, and whoever used it has the next one: one of the two has stolen it.
    Reuse,
    /// Its session is over.
    Over,
}

impl RefreshToken {
    const PREFIX: &str = "rt1_";
    const RANDOM_BYTES: usize = 32;

    /// # Errors
    /// [`NoEntropy`].
    pub fn generate(tenant: TenantId, entropy: &dyn Entropy) -> Result<Self, NoEntropy> {
        let mut random = [0; Self::RANDOM_BYTES];
        entropy.fill(&mut random)?;
        Ok(Self::of(tenant, &random))
    }

    /// What somebody shows. Whether there is such a token only the look-up says.
    ///
    /// # Errors
    /// [`NoRefreshToken`] for anything that [`Self::generate`] does not make.
    pub fn parse(text: &str) -> Result<Self, NoRefreshToken> {
        let (tenant, random) =
            text.strip_prefix(Self::PREFIX).and_then(|rest| rest.split_once('.')).ok_or(NoRefreshToken)?;
        let tenant = tenant.parse().map_err(|_| NoRefreshToken)?;
        let random = URL_SAFE_NO_PAD.decode(random).map_err(|_| NoRefreshToken)?;
        let token = Self::of(tenant, &random);
        // Ids can be written in several ways, which would be several secrets.
        if random.len() == Self::RANDOM_BYTES && token.expose() == text { Ok(token) } else { Err(NoRefreshToken) }
    }

    fn of(tenant: TenantId, random: &[u8]) -> Self {
        Self { tenant, text: format!("{}{tenant}.{}", Self::PREFIX, URL_SAFE_NO_PAD.encode(random)).into() }
    }

    /// The tenant that it says.
    #[must_use]
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    #[must_use]
    pub fn hash(&self) -> RefreshTokenHash {
        RefreshTokenHash(sha256(self.expose()))
    }

    /// The token itself, for the one answer that carries it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }
}

impl StoredRefreshToken {
    /// Whoever used the token and was not answered within this time is not there any more.
    const UNANSWERED: TimeDelta = TimeDelta::seconds(5);
    /// Of requests that were sent at once, the last one arrives within this time.
    const STRAGGLERS: TimeDelta = TimeDelta::seconds(5);

    /// What it means that a request shows it which arrived at that time.
    #[must_use]
    pub fn shown(&self, arrived_at: DateTime<Utc>, now: DateTime<Utc>) -> Showing {
        if self.ended_at.is_some() || !self.session.lasts(now) {
            return Showing::Over;
        }
        let Some(used_at) = self.used_at else { return Showing::Fresh };
        let answered_at = self.answered_at.unwrap_or(used_at + Self::UNANSWERED);
        // Some did overlap, so others that were sent with them may come late: until the next token, or the access token that
        // came with it, was shown.
        let is_newest = self.session.last_seen_at == used_at && !self.confirmed;
        let patience = if self.overlapped && is_newest { Self::STRAGGLERS } else { TimeDelta::zero() };
        if arrived_at < answered_at + patience { Showing::Overlap } else { Showing::Reuse }
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
    use kernel::ids::UserId;
    use kernel::{Clock as _, ManualClock, SystemClock, SystemEntropy};

    use super::*;
    use crate::{Client, SessionPolicy};

    fn stored(session: Session) -> StoredRefreshToken {
        StoredRefreshToken {
            session,
            ended_at: None,
            used_at: None,
            answered_at: None,
            overlapped: false,
            confirmed: false,
        }
    }

    #[test]
    fn refresh_tokens_name_their_tenant_and_are_never_alike() {
        let tenant = TenantId::new(&SystemClock::new());
        let entropy = SystemEntropy::new();
        let token = RefreshToken::generate(tenant, &entropy).unwrap();
        assert!(token.expose().starts_with(&format!("rt1_{tenant}.")));
        assert_ne!(token.hash(), RefreshToken::generate(tenant, &entropy).unwrap().hash());
        assert_eq!(format!("{token:?}"), "RefreshToken(***)");
    }

    #[test]
    fn a_refresh_token_is_read_in_its_one_form() {
        let tenant = TenantId::new(&SystemClock::new());
        let token = RefreshToken::generate(tenant, &SystemEntropy::new()).unwrap();
        let text = token.expose();
        let read = RefreshToken::parse(text).unwrap();
        assert_eq!((read.tenant(), read.hash()), (tenant, token.hash()));
        let id = tenant.to_string();
        for other in [
            "",
            "rt1_",
            "rt1_.",
            &text[1..],
            &text[..text.len() - 1],
            &format!("{text}A"),
            &format!("{text}="),
            &format!(" {text}"),
            &format!("{text}\n"),
            &text.replace("rt1_", "rt2_"),
            &text.replace(&id, &id.to_uppercase()),
            &text.replace(&id, &id.replace('-', "")),
            &text.replace(&id, "' OR 1=1 --"),
            &"rt1_".repeat(10_000),
        ] {
            assert_eq!(RefreshToken::parse(other).unwrap_err(), NoRefreshToken, "{other:.60}");
        }
    }

    #[test]
    fn a_used_token_is_an_overlap_until_its_user_was_answered_and_a_reuse_from_then_on() {
        let clock = ManualClock::starting_at(SystemClock::new().now());
        let (now, moment) = (clock.now(), TimeDelta::microseconds(1));
        let session = Session::start(UserId::new(&clock), Client::default(), &SessionPolicy::DEFAULT, &clock);
        let fresh = stored(session);
        assert_eq!(fresh.shown(now, now), Showing::Fresh);

        let used = StoredRefreshToken { used_at: Some(now), ..fresh.clone() };
        let given_up = now + TimeDelta::seconds(5);
        assert_eq!(used.shown(given_up - moment, given_up), Showing::Overlap);
        assert_eq!(used.shown(given_up, given_up), Showing::Reuse);

        let answered = StoredRefreshToken { answered_at: Some(now + moment), ..used };
        assert_eq!(answered.shown(now, given_up), Showing::Overlap, "however late it is looked at");
        assert_eq!(answered.shown(now + moment, now + moment), Showing::Reuse);

        let ended = StoredRefreshToken { ended_at: Some(now), ..answered };
        assert_eq!(ended.shown(now, now), Showing::Over);
    }

    #[test]
    fn where_some_overlapped_others_may_come_late_until_the_answer_has_arrived() {
        let clock = ManualClock::starting_at(SystemClock::new().now());
        let (now, moment) = (clock.now(), TimeDelta::microseconds(1));
        let session = Session::start(UserId::new(&clock), Client::default(), &SessionPolicy::DEFAULT, &clock);
        let used = StoredRefreshToken { used_at: Some(now), answered_at: Some(now), ..stored(session) };
        assert_eq!(used.shown(now, now), Showing::Reuse, "nobody overlapped");
        let token = StoredRefreshToken { overlapped: true, ..used };
        let late = now + TimeDelta::seconds(5);
        assert_eq!(token.shown(late - moment, late), Showing::Overlap);
        assert_eq!(token.shown(late, late), Showing::Reuse);
        let confirmed = StoredRefreshToken { confirmed: true, ..token.clone() };
        assert_eq!(confirmed.shown(now, now), Showing::Reuse);
        let session = token.session.clone().refreshed(&SessionPolicy::DEFAULT, now + moment);
        assert_eq!(
            StoredRefreshToken { session, ..token }.shown(now, now),
            Showing::Reuse,
            "the next one was used, too"
        );
    }

    #[test]
    fn a_session_ends_when_it_idles_and_in_any_case_at_its_end() {
        let clock = ManualClock::starting_at(SystemClock::new().now());
        let policy = SessionPolicy::DEFAULT;
        let session = Session::start(UserId::new(&clock), Client::default(), &policy, &clock);
        let mut token = stored(session);
        let moment = TimeDelta::microseconds(1);
        let mut refreshes = 0;
        while clock.now() + policy.idle < token.session.expires_at {
            clock.advance(policy.idle - moment);
            assert_eq!(token.shown(clock.now(), clock.now()), Showing::Fresh);
            let idle = clock.now() + moment;
            assert_eq!(token.shown(idle, idle), Showing::Over);
            token.session = token.session.refreshed(&policy, clock.now());
            refreshes += 1;
        }
        assert_eq!(refreshes, 4);
        assert_eq!(token.session.idle_expires_at, token.session.expires_at, "it does not idle beyond its end");
        clock.advance(token.session.expires_at - clock.now() - moment);
        assert_eq!(token.shown(clock.now(), clock.now()), Showing::Fresh);
        clock.advance(moment);
        assert_eq!(token.shown(clock.now(), clock.now()), Showing::Over);
    }
}
