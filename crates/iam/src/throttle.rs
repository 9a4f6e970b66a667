//! Nobody guesses passwords for long, and nobody can lock another out.
//!
//! Tries are counted twice, against the pair of account and address and against the address alone, in the database and so
//! for all instances. Before a password is verified, a slot is reserved in both [`Tally`]s, in a transaction of its own; a
//! right password gives it back, a wrong one makes a failure of it. So parallel guesses cannot slip through. Whoever finds
//! the slots taken by tries whose end is not known yet waits for it: parallel valid logins are not refused. Those of one
//! process wait at a [door](Doors), those of several look again now and then.

mod doors;
mod tally;

use std::fmt;
use std::net::IpAddr;

use kernel::seal::derive_key;
use ring::hmac;
use secrecy::SecretSlice;

use crate::Email;

pub use doors::{Doors, NoPassage, Passage};
pub use tally::{Limit, Tally, Verdict};

/// What tries are counted against. Says nothing about whose they are to anybody without the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ThrottleKey([u8; 32]);

/// A key and how much it may be tried.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    pub key: ThrottleKey,
    pub limit: Limit,
    /// Whether a right password clears it: of an address it does not, or a guesser would log in to an account of their own
    /// in between.
    pub cleared_by_success: bool,
}

/// Makes the keys, and is where this process's tries wait for each other.
#[derive(Clone)]
pub struct Throttle {
    secret: hmac::Key,
    pub doors: Doors,
}

impl Throttle {
    /// All instances must be given the same secret.
    #[must_use]
    pub fn new(secret: &SecretSlice<u8>) -> Self {
        Self { secret: derive_key(secret, "parley throttle v1"), doors: Doors::default() }
    }

    /// For tries of a password. `tenant` is its id, or what was said where there is no such tenant: it must not make a
    /// difference whether there is one.
    #[must_use]
    pub fn of_account(&self, tenant: &str, email: &Email, address: Option<IpAddr>) -> Vec<Counted> {
        let address = network(address);
        let pair = self.key(&["account", tenant, email.normalized(), &address]);
        let mut counted = self.of_network(&address);
        counted.push(Counted { key: pair, limit: Limit::ACCOUNT, cleared_by_success: true });
        counted
    }

    /// For tries of anything else.
    #[must_use]
    pub fn of_address(&self, address: Option<IpAddr>) -> Vec<Counted> {
        self.of_network(&network(address))
    }

    fn of_network(&self, address: &str) -> Vec<Counted> {
        vec![Counted { key: self.key(&["address", address]), limit: Limit::ADDRESS, cleared_by_success: false }]
    }

    /// No part can hold a zero byte, so no two lists of parts give the same bytes.
    fn key(&self, parts: &[&str]) -> ThrottleKey {
        let tag = hmac::sign(&self.secret, parts.join("\0").as_bytes());
        let mut key = [0; 32];
        key.copy_from_slice(tag.as_ref());
        ThrottleKey(key)
    }
}

/// An IPv6 address counts as its /64, which is what one customer of a provider has at least (RFC 6177).
fn network(address: Option<IpAddr>) -> String {
    match address.map(|address| address.to_canonical()) {
        None => "unknown".to_owned(),
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => format!("{:x}/64", address.to_bits() >> 64),
    }
}

impl ThrottleKey {
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    #[must_use]
    pub const fn from_stored(key: [u8; 32]) -> Self {
        Self(key)
    }
}

impl fmt::Debug for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Throttle").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throttle(byte: u8) -> Throttle {
        Throttle::new(&vec![byte; 32].into())
    }

    fn keys(tenant: &str, email: &str, address: &str) -> Vec<ThrottleKey> {
        let email = Email::parse(email).unwrap();
        let counted = throttle(1).of_account(tenant, &email, Some(address.parse().unwrap()));
        counted.iter().map(|counted| counted.key).collect()
    }

    #[test]
    fn a_pair_is_one_account_at_one_address() {
        let ada = keys("acme", "Ada@x.example", "192.0.2.1");
        assert_eq!(ada, keys("acme", "ada@x.example", "192.0.2.1"));
        assert_eq!(ada, keys("acme", "ada@x.example", "::ffff:192.0.2.1"));
        for other in [keys("other", "ada@x.example", "192.0.2.1"), keys("acme", "bob@x.example", "192.0.2.1")] {
            assert_eq!(other[0], ada[0], "the address is the same");
            assert_ne!(other[1], ada[1]);
        }
        let elsewhere = keys("acme", "ada@x.example", "192.0.2.2");
        assert!(elsewhere[0] != ada[0] && elsewhere[1] != ada[1]);
    }

    #[test]
    fn whoever_has_a_network_has_one_address() {
        let of = |address| keys("acme", "ada@x.example", address);
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
    }

    #[test]
    fn keys_depend_on_the_secret() {
        assert_ne!(throttle(1).of_address(None)[0].key, throttle(2).of_address(None)[0].key);
    }
}
