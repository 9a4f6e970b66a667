use chrono::{DateTime, TimeDelta, Utc};

use crate::access_token::LEEWAY;
use crate::{KeyState, SigningKey, TokenPolicy};

/// How long signing keys stay in each state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RotationPolicy {
    /// How long a key is published before it signs, so that caches of the JWKS contain it by then.
    pub publish: TimeDelta,
    /// About how long a key signs.
    pub active: TimeDelta,
    /// How long tokens of a key are accepted after it stopped signing: longer than their lifetime.
    pub retiring: TimeDelta,
}

/// A change of the signing keys that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RotationStep {
    /// Create a key in this state.
    Create(KeyState),
    /// Move a key to its next state.
    Move { kid: String, from: KeyState, to: KeyState },
}

impl RotationPolicy {
    /// The default of the configuration.
    pub const DEFAULT: Self =
        Self { publish: TimeDelta::minutes(10), active: TimeDelta::days(30), retiring: TimeDelta::minutes(61) };
    /// The longest `max-age` of the JWKS.
    const MAX_JWKS_AGE: TimeDelta = TimeDelta::minutes(5);

    /// The `max-age` of the JWKS, if each process of the deployment reads changes of the keys within `poll`: all caches must have
    /// a new key before it signs.
    #[must_use]
    pub fn jwks_max_age(&self, poll: TimeDelta) -> TimeDelta {
        (self.publish - poll - poll).min(Self::MAX_JWKS_AGE).max(TimeDelta::zero())
    }

    /// The least value of [`Self::retiring`]: until the last token of a key has expired, even by a clock that is behind.
    #[must_use]
    pub fn min_retiring(tokens: &TokenPolicy) -> TimeDelta {
        tokens.lifetime + LEEWAY
    }

    /// The steps that are due, in order; empty once they are done.
    #[must_use]
    pub fn due(&self, keys: &[SigningKey], now: DateTime<Utc>) -> Vec<RotationStep> {
        let in_state = |state| keys.iter().filter(move |key| key.state == state);
        let change = |key: &SigningKey, to| RotationStep::Move { kid: key.kid.clone(), from: key.state, to };
        let has_been = |key: &SigningKey, duration| now - key.since >= duration;
        let mut due: Vec<RotationStep> = in_state(KeyState::Retiring)
            .filter(|key| has_been(key, self.retiring))
            .map(|key| change(key, KeyState::Retired))
            .collect();
        let next = in_state(KeyState::Upcoming).min_by_key(|key| key.since);
        match (in_state(KeyState::Active).next(), next) {
            // One key has to sign, however long it has been published.
            (None, Some(next)) => due.push(change(next, KeyState::Active)),
            (None, None) => due.push(RotationStep::Create(KeyState::Active)),
            (Some(active), Some(next)) if has_been(next, self.publish) => {
                due.push(change(active, KeyState::Retiring));
                due.push(change(next, KeyState::Active));
            }
            (Some(active), None) if has_been(active, self.active - self.publish) => {
                due.push(RotationStep::Create(KeyState::Upcoming));
            }
            (Some(_), _) => {}
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use kernel::seal::Sealed;

    use super::*;

    const POLICY: RotationPolicy = RotationPolicy::DEFAULT;
    const SECOND: TimeDelta = TimeDelta::seconds(1);

    fn start() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn key(kid: &str, state: KeyState, since: DateTime<Utc>) -> SigningKey {
        let private = Sealed { key_id: "kek".to_owned(), bytes: Vec::new() };
        SigningKey::from_stored(kid.to_owned(), state, String::new(), private, start(), since)
    }

    fn change(kid: &str, from: KeyState, to: KeyState) -> RotationStep {
        RotationStep::Move { kid: kid.to_owned(), from, to }
    }

    #[test]
    fn missing_active_key_is_created_or_promoted() {
        assert_eq!(POLICY.due(&[], start()), [RotationStep::Create(KeyState::Active)]);
        let left = [key("a", KeyState::Revoked, start()), key("b", KeyState::Retired, start())];
        assert_eq!(POLICY.due(&left, start()), [RotationStep::Create(KeyState::Active)]);
        // The upcoming key becomes active at once.
        let left = [key("a", KeyState::Revoked, start()), key("b", KeyState::Upcoming, start())];
        assert_eq!(POLICY.due(&left, start()), [change("b", KeyState::Upcoming, KeyState::Active)]);
    }

    #[test]
    fn next_key_is_published_before_active_one_expires() {
        let keys = [key("a", KeyState::Active, start())];
        let published = start() + POLICY.active - POLICY.publish;
        assert_eq!(POLICY.due(&keys, published - SECOND), []);
        assert_eq!(POLICY.due(&keys, published), [RotationStep::Create(KeyState::Upcoming)]);
        // However late, a key is published before it signs.
        assert_eq!(POLICY.due(&keys, published + TimeDelta::days(400)), [RotationStep::Create(KeyState::Upcoming)]);
    }

    #[test]
    fn published_key_becomes_active_after_publish_time() {
        let keys = [key("a", KeyState::Active, start()), key("b", KeyState::Upcoming, start())];
        let over = start() + POLICY.publish;
        assert_eq!(POLICY.due(&keys, over - SECOND), []);
        let expected =
            [change("a", KeyState::Active, KeyState::Retiring), change("b", KeyState::Upcoming, KeyState::Active)];
        assert_eq!(POLICY.due(&keys, over), expected);
    }

    #[test]
    fn key_retires_after_its_tokens_expired() {
        let keys = [key("a", KeyState::Retiring, start()), key("b", KeyState::Active, start())];
        let over = start() + POLICY.retiring;
        assert_eq!(POLICY.due(&keys, over - SECOND), []);
        assert_eq!(POLICY.due(&keys, over), [change("a", KeyState::Retiring, KeyState::Retired)]);
    }

    #[test]
    fn jwks_max_age_is_less_than_publish_time() {
        assert_eq!(POLICY.jwks_max_age(TimeDelta::seconds(30)), TimeDelta::minutes(5));
        let short = RotationPolicy { publish: TimeDelta::seconds(100), ..POLICY };
        assert_eq!(short.jwks_max_age(TimeDelta::seconds(30)), TimeDelta::seconds(40));
        assert_eq!(short.jwks_max_age(TimeDelta::seconds(60)), TimeDelta::zero());
    }
}
