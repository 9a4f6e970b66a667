use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use kernel::ids::TenantId;
use kernel::seal::KeyRing;
use kernel::{Entropy, EntropyUnavailable};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use crate::digest::sha256;
use crate::{Session, SessionClient};

/// An opaque secret, `rt1_<tenant>.<256 random bits>`. The tenant id lets the look-up run in that tenant's scope.
#[derive(Clone)]
pub struct RefreshToken {
    tenant: TenantId,
    text: SecretString,
}

/// The SHA-256 of a refresh token, which is what is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshTokenHash([u8; 32]);

/// The text does not have the form of a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a refresh token")]
pub struct InvalidRefreshToken;

/// A stored refresh token, with its session.
#[derive(Clone, Debug)]
pub struct StoredRefreshToken {
    pub session: Session,
    /// When the session was ended; `None` if it was not.
    pub ended_at: Option<DateTime<Utc>>,
    /// When the token was exchanged for the next one; `None` if it was not.
    pub used_at: Option<DateTime<Utc>>,
    /// When the response to that exchange was sent.
    pub answered_at: Option<DateTime<Utc>>,
    /// Whether other requests overlapped that exchange.
    pub overlapped: bool,
    /// Whether the session's newest access token has been used, so that the response has arrived.
    pub confirmed: bool,
    /// The id of the session's newest access token, until it is used.
    pub unconfirmed: Option<Uuid>,
    /// Who used the token, as [`ClientTag`].
    pub used_by: Option<ClientTag>,
}

/// An HMAC of the address and the user agent of a client that uses a refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientTag(Vec<u8>);

/// The result of [`SessionRepo::lock_refresh_token`](crate::SessionRepo::lock_refresh_token).
#[derive(Clone, Debug)]
pub enum TokenLock {
    /// This transaction holds the lock until it ends.
    Acquired(Box<StoredRefreshToken>),
    /// Another transaction holds the lock; the overlap is recorded.
    Contended,
    UnknownToken,
}

/// What a request with a refresh token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshVerdict {
    /// It shows the newest token of the session.
    Current,
    /// Another request used the token while this one was on its way.
    Concurrent,
    /// The token was used before, and the next one was delivered: one of the two callers has stolen it.
    Replayed,
    /// The session has ended.
    SessionEnded,
}

impl RefreshToken {
    const PREFIX: &str = "rt1_";
    const RANDOM_BYTES: usize = 32;

    /// # Errors
    /// [`EntropyUnavailable`].
    pub fn generate(tenant: TenantId, entropy: &dyn Entropy) -> Result<Self, EntropyUnavailable> {
        let mut random = [0; Self::RANDOM_BYTES];
        entropy.fill(&mut random)?;
        Ok(Self::of(tenant, &random))
    }

    /// Parses the text of a token. Only the look-up tells whether such a token exists.
    ///
    /// # Errors
    /// [`InvalidRefreshToken`] for any text that [`Self::generate`] does not make.
    pub fn parse(text: &str) -> Result<Self, InvalidRefreshToken> {
        let (tenant, random) =
            text.strip_prefix(Self::PREFIX).and_then(|rest| rest.split_once('.')).ok_or(InvalidRefreshToken)?;
        let tenant = tenant.parse().map_err(|_| InvalidRefreshToken)?;
        let random = URL_SAFE_NO_PAD.decode(random).map_err(|_| InvalidRefreshToken)?;
        let token = Self::of(tenant, &random);
        // An id can be written in several ways; each would be another secret.
        if random.len() == Self::RANDOM_BYTES && token.expose() == text { Ok(token) } else { Err(InvalidRefreshToken) }
    }

    /// The token that this one is exchanged for, by each key of the key ring, that of the sealing key first. It follows from this
    /// one, so that it can be sent again if the response was lost, although only hashes are stored; without the key it cannot be
    /// computed.
    #[must_use]
    pub fn successors(&self, key_ring: &KeyRing) -> Vec<Self> {
        let keys = key_ring.purpose_keys("parley next refresh token v1");
        keys.tags(self.expose().as_bytes()).map(|tag| Self::of(self.tenant, &tag.bytes)).collect()
    }

    fn of(tenant: TenantId, random: &[u8]) -> Self {
        Self { tenant, text: format!("{}{tenant}.{}", Self::PREFIX, URL_SAFE_NO_PAD.encode(random)).into() }
    }

    /// The tenant in the token.
    #[must_use]
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    #[must_use]
    pub fn hash(&self) -> RefreshTokenHash {
        RefreshTokenHash(sha256(self.expose()))
    }

    /// The token itself, for the response that carries it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }
}

impl StoredRefreshToken {
    /// A response that was not recorded within this time after the use is taken as lost.
    const RESPONSE_TIMEOUT: TimeDelta = TimeDelta::seconds(5);
    /// Requests that were sent at the same time arrive within this time of each other.
    const CONCURRENCY_GRACE: TimeDelta = TimeDelta::seconds(5);

    /// Judges a request with this token that arrived at `arrived_at`.
    #[must_use]
    pub fn verdict(&self, arrived_at: DateTime<Utc>, now: DateTime<Utc>) -> RefreshVerdict {
        if self.ended_at.is_some() || !self.session.is_unexpired(now) {
            return RefreshVerdict::SessionEnded;
        }
        let Some(used_at) = self.used_at else { return RefreshVerdict::Current };
        let answered_at = self.answered_at.unwrap_or(used_at + Self::RESPONSE_TIMEOUT);
        // Some requests overlapped, so others sent with them may arrive late: until the next refresh token, or the access token
        // issued with it, was used.
        let is_newest = self.session.last_seen_at == used_at && !self.confirmed;
        let grace = if self.overlapped && is_newest { Self::CONCURRENCY_GRACE } else { TimeDelta::zero() };
        if arrived_at < answered_at + grace { RefreshVerdict::Concurrent } else { RefreshVerdict::Replayed }
    }
}

impl StoredRefreshToken {
    /// The id of the access token that was issued when this token was used, if the response may be sent again to a client: to the
    /// one that used the token, within `grace`, and while neither of the tokens of that response was used.
    #[must_use]
    pub fn repeatable_for(&self, client: &[ClientTag], grace: TimeDelta, arrived_at: DateTime<Utc>) -> Option<Uuid> {
        let used_at = self.used_at.filter(|used_at| arrived_at < *used_at + grace)?;
        let is_same_client = self.used_by.as_ref().is_some_and(|used_by| client.contains(used_by));
        let is_newest = self.session.last_seen_at == used_at;
        self.unconfirmed.filter(|_| is_same_client && is_newest)
    }
}

impl ClientTag {
    /// The tags of a client by each key of the key ring, that of the sealing key first; none if its address is unknown.
    #[must_use]
    pub fn of(client: &SessionClient, key_ring: &KeyRing) -> Vec<Self> {
        let Some(address) = client.address else { return Vec::new() };
        let text = format!("{address}\n{}", client.user_agent.as_deref().unwrap_or_default());
        let keys = key_ring.purpose_keys("parley refreshing client v1");
        keys.tags(text.as_bytes()).map(|tag| Self(tag.bytes)).collect()
    }

    #[must_use]
    pub const fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
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
    use crate::{SessionClient, SessionPolicy};

    fn stored(session: Session) -> StoredRefreshToken {
        StoredRefreshToken {
            session,
            ended_at: None,
            used_at: None,
            answered_at: None,
            overlapped: false,
            confirmed: false,
            unconfirmed: None,
            used_by: None,
        }
    }

    #[test]
    fn generated_tokens_carry_tenant_and_differ() {
        let tenant = TenantId::new(&SystemClock::new());
        let entropy = SystemEntropy::new();
        let token = RefreshToken::generate(tenant, &entropy).unwrap();
        assert!(token.expose().starts_with(&format!("rt1_{tenant}.")));
        assert_ne!(token.hash(), RefreshToken::generate(tenant, &entropy).unwrap().hash());
        assert_eq!(format!("{token:?}"), "RefreshToken(***)");
    }

    #[test]
    fn token_in_other_form_is_refused() {
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
            assert_eq!(RefreshToken::parse(other).unwrap_err(), InvalidRefreshToken, "{other:.60}");
        }
    }

    #[test]
    fn used_token_is_concurrent_until_response_then_replayed() {
        let clock = ManualClock::starting_at(SystemClock::new().now());
        let (now, moment) = (clock.now(), TimeDelta::microseconds(1));
        let session = Session::start(UserId::new(&clock), SessionClient::default(), &SessionPolicy::DEFAULT, &clock);
        let fresh = stored(session);
        assert_eq!(fresh.verdict(now, now), RefreshVerdict::Current);

        let used = StoredRefreshToken { used_at: Some(now), ..fresh.clone() };
        let given_up = now + TimeDelta::seconds(5);
        assert_eq!(used.verdict(given_up - moment, given_up), RefreshVerdict::Concurrent);
        assert_eq!(used.verdict(given_up, given_up), RefreshVerdict::Replayed);

        let answered = StoredRefreshToken { answered_at: Some(now + moment), ..used };
        assert_eq!(answered.verdict(now, given_up), RefreshVerdict::Concurrent, "however late it is judged");
        assert_eq!(answered.verdict(now + moment, now + moment), RefreshVerdict::Replayed);

        let ended = StoredRefreshToken { ended_at: Some(now), ..answered };
        assert_eq!(ended.verdict(now, now), RefreshVerdict::SessionEnded);
    }

    #[test]
    fn overlapped_token_has_grace_until_response_confirmed() {
        let clock = ManualClock::starting_at(SystemClock::new().now());
        let (now, moment) = (clock.now(), TimeDelta::microseconds(1));
        let session = Session::start(UserId::new(&clock), SessionClient::default(), &SessionPolicy::DEFAULT, &clock);
        let used = StoredRefreshToken { used_at: Some(now), answered_at: Some(now), ..stored(session) };
        assert_eq!(used.verdict(now, now), RefreshVerdict::Replayed, "no request overlapped");
        let token = StoredRefreshToken { overlapped: true, ..used };
        let late = now + TimeDelta::seconds(5);
        assert_eq!(token.verdict(late - moment, late), RefreshVerdict::Concurrent);
        assert_eq!(token.verdict(late, late), RefreshVerdict::Replayed);
        let confirmed = StoredRefreshToken { confirmed: true, ..token.clone() };
        assert_eq!(confirmed.verdict(now, now), RefreshVerdict::Replayed);
        let session = token.session.clone().refreshed(&SessionPolicy::DEFAULT, now + moment);
        assert_eq!(
            StoredRefreshToken { session, ..token }.verdict(now, now),
            RefreshVerdict::Replayed,
            "the next one was used, too"
        );
    }

    #[test]
    fn lost_response_is_repeated_for_its_client_only() {
        let clock = ManualClock::starting_at(SystemClock::new().now());
        let (now, grace) = (clock.now(), TimeDelta::seconds(10));
        let client = |tag: u8| [ClientTag(vec![tag])];
        let session = Session::start(UserId::new(&clock), SessionClient::default(), &SessionPolicy::DEFAULT, &clock);
        let id = clock.new_id();
        let [used_by] = client(1);
        let used =
            StoredRefreshToken { used_at: Some(now), unconfirmed: Some(id), used_by: Some(used_by), ..stored(session) };
        let late = now + grace;
        assert_eq!(used.repeatable_for(&client(1), grace, late - TimeDelta::milliseconds(1)), Some(id));
        assert_eq!(used.repeatable_for(&client(1), grace, late), None, "too late");
        assert_eq!(used.repeatable_for(&client(1), TimeDelta::zero(), now), None, "switched off");
        assert_eq!(used.repeatable_for(&client(2), grace, now), None, "another client");
        assert_eq!(used.repeatable_for(&[], grace, now), None, "an unknown client");
        let confirmed = StoredRefreshToken { unconfirmed: None, ..used.clone() };
        assert_eq!(confirmed.repeatable_for(&client(1), grace, now), None, "the response has arrived");
        let session = used.session.clone().refreshed(&SessionPolicy::DEFAULT, now + TimeDelta::milliseconds(1));
        let next_used = StoredRefreshToken { session, ..used };
        assert_eq!(next_used.repeatable_for(&client(1), grace, now), None, "the next one was used");
    }

    #[test]
    fn session_ends_when_idle_and_at_absolute_expiry() {
        let clock = ManualClock::starting_at(SystemClock::new().now());
        let policy = SessionPolicy::DEFAULT;
        let session = Session::start(UserId::new(&clock), SessionClient::default(), &policy, &clock);
        let mut token = stored(session);
        let moment = TimeDelta::microseconds(1);
        let mut refreshes = 0;
        while clock.now() + policy.idle < token.session.expires_at {
            clock.advance(policy.idle - moment);
            assert_eq!(token.verdict(clock.now(), clock.now()), RefreshVerdict::Current);
            let idle = clock.now() + moment;
            assert_eq!(token.verdict(idle, idle), RefreshVerdict::SessionEnded);
            token.session = token.session.refreshed(&policy, clock.now());
            refreshes += 1;
        }
        assert_eq!(refreshes, 4);
        assert_eq!(token.session.idle_expires_at, token.session.expires_at, "it does not idle beyond its end");
        clock.advance(token.session.expires_at - clock.now() - moment);
        assert_eq!(token.verdict(clock.now(), clock.now()), RefreshVerdict::Current);
        clock.advance(moment);
        assert_eq!(token.verdict(clock.now(), clock.now()), RefreshVerdict::SessionEnded);
    }
}
