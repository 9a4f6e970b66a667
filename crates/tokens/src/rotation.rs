use chrono::{DateTime, TimeDelta, Utc};

use crate::access_token::LEEWAY;
use crate::{KeyState, SigningKey, TokenPolicy};

/// How long signing keys are in each of their states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RotationPolicy {
    /// A key is published for so long before it signs: whoever keeps the published keys has it by then.
    pub publish: TimeDelta,
    /// A key signs for about so long.
    pub active: TimeDelta,
    /// What a key has signed is accepted for so long after it stopped: longer than any of it lives.
    pub retiring: TimeDelta,
}

/// What is to be done with the keys at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Due {
    /// A key is missing.
    New(KeyState),
    /// A key goes on.
    Change { kid: String, from: KeyState, to: KeyState },
}

impl RotationPolicy {
    /// A deployment's that says nothing.
    pub const DEFAULT: Self =
        Self { publish: TimeDelta::minutes(10), active: TimeDelta::days(30), retiring: TimeDelta::minutes(61) };
    /// The published keys may be kept for no longer than this (`max-age` of the JWKS).
    const KEPT: TimeDelta = TimeDelta::minutes(5);

    /// How long whoever checks tokens may keep the published keys, when each process of the deployment knows of changes after
    /// `poll`: a new key must be seen by all before it signs.
    #[must_use]
    pub fn may_be_kept(&self, poll: TimeDelta) -> TimeDelta {
        (self.publish - poll - poll).min(Self::KEPT).max(TimeDelta::zero())
    }

    /// The least time for [`Self::retiring`]: the last token that a key has signed expires, also by a clock that is behind.
    #[must_use]
    pub fn least_retiring(tokens: &TokenPolicy) -> TimeDelta {
        tokens.lifetime + LEEWAY
    }

    /// What is due, in the order in which it is to be done. Nothing, when that was done.
    #[must_use]
    pub fn due(&self, keys: &[SigningKey], now: DateTime<Utc>) -> Vec<Due> {
        let in_state = |state| keys.iter().filter(move |key| key.state == state);
        let change = |key: &SigningKey, to| Due::Change { kid: key.kid.clone(), from: key.state, to };
        let has_been = |key: &SigningKey, duration| now - key.since >= duration;
        let mut due: Vec<Due> = in_state(KeyState::Retiring)
            .filter(|key| has_been(key, self.retiring))
            .map(|key| change(key, KeyState::Retired))
            .collect();
        let next = in_state(KeyState::Upcoming).min_by_key(|key| key.since);
        match (in_state(KeyState::Active).next(), next) {
            // Somebody has to sign, published for long or not.
            (None, Some(next)) => due.push(change(next, KeyState::Active)),
            (None, None) => due.push(Due::New(KeyState::Active)),
            (Some(active), Some(next)) if has_been(next, self.publish) => {
                due.push(change(active, KeyState::Retiring));
                due.push(change(next, KeyState::Active));
            }
            (Some(active), None) if has_been(active, self.active - self.publish) => {
                due.push(Due::New(KeyState::Upcoming));
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

    fn change(kid: &str, from: KeyState, to: KeyState) -> Due {
        Due::Change { kid: kid.to_owned(), from, to }
    }

    #[test]
    fn a_key_is_there_from_the_start_and_after_each_loss() {
        assert_eq!(POLICY.due(&[], start()), [Due::New(KeyState::Active)]);
        let left = [key("a", KeyState::Revoked, start()), key("b", KeyState::Retired, start())];
        assert_eq!(POLICY.due(&left, start()), [Due::New(KeyState::Active)]);
        // The one that was about to sign does it at once.
        let left = [key("a", KeyState::Revoked, start()), key("b", KeyState::Upcoming, start())];
        assert_eq!(POLICY.due(&left, start()), [change("b", KeyState::Upcoming, KeyState::Active)]);
    }

    #[test]
    fn the_next_key_is_published_before_the_active_one_is_too_old() {
        let keys = [key("a", KeyState::Active, start())];
        let published = start() + POLICY.active - POLICY.publish;
        assert_eq!(POLICY.due(&keys, published - SECOND), []);
        assert_eq!(POLICY.due(&keys, published), [Due::New(KeyState::Upcoming)]);
        // However late it is, it is published before it signs.
        assert_eq!(POLICY.due(&keys, published + TimeDelta::days(400)), [Due::New(KeyState::Upcoming)]);
    }

    #[test]
    fn the_published_key_takes_over_when_all_have_it() {
        let keys = [key("a", KeyState::Active, start()), key("b", KeyState::Upcoming, start())];
        let over = start() + POLICY.publish;
        assert_eq!(POLICY.due(&keys, over - SECOND), []);
        let expected =
            [change("a", KeyState::Active, KeyState::Retiring), change("b", KeyState::Upcoming, KeyState::Active)];
        assert_eq!(POLICY.due(&keys, over), expected);
    }

    #[test]
    fn a_key_retires_when_nothing_that_it_signed_is_left() {
        let keys = [key("a", KeyState::Retiring, start()), key("b", KeyState::Active, start())];
        let over = start() + POLICY.retiring;
        assert_eq!(POLICY.due(&keys, over - SECOND), []);
        assert_eq!(POLICY.due(&keys, over), [change("a", KeyState::Retiring, KeyState::Retired)]);
    }

    #[test]
    fn published_keys_are_kept_for_less_than_a_new_one_waits() {
        assert_eq!(POLICY.may_be_kept(TimeDelta::seconds(30)), TimeDelta::minutes(5));
        let hasty = RotationPolicy { publish: TimeDelta::seconds(100), ..POLICY };
        assert_eq!(hasty.may_be_kept(TimeDelta::seconds(30)), TimeDelta::seconds(40));
        assert_eq!(hasty.may_be_kept(TimeDelta::seconds(60)), TimeDelta::zero());
    }
}
