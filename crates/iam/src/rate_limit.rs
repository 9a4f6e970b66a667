//! Limits password guessing without letting one client lock out another.
//!
//! Each attempt counts in two buckets: one of the account and the client's address, one of the address alone. The counters are
//! in the database, so they hold for all instances. Before a password is verified, a slot is reserved in both
//! [`AttemptCounter`]s, in a transaction of its own: parallel guesses cannot slip through. A correct password releases the
//! slots, a wrong one turns them into failures. An attempt that finds all slots reserved by unfinished attempts waits, so that
//! parallel valid logins are not refused: attempts of one process queue at the [`AttemptQueue`], attempts of several
//! processes poll the database.
//!
//! A login also counts in a bucket of its account over all addresses, which bounds guesses from many of them. It never locks
//! the owner out: while it is full, the account is closed only to addresses from which no login to it succeeded
//! ([`RateLimitBucket::spares_known_addresses`]).
//!
//! Sign-ups and registrations count in buckets of [`NewAccountLimits`], whatever their outcome.

mod attempt_counter;
mod attempt_queue;
mod new_account_limits;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use kernel::seal::derive_key;
use ring::hmac;
use secrecy::SecretSlice;

use crate::Email;

pub use attempt_counter::{AttemptCounter, RateLimit, RateLimitDecision};
pub use attempt_queue::{AttemptQueue, QueuePermit, QueueTimeout};
pub use new_account_limits::NewAccountLimits;

/// The key of a bucket: an HMAC, so that the database does not tell which account or address it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RateLimitKey([u8; 32]);

/// A key and its limit.
#[derive(Clone, Copy, Debug)]
pub struct RateLimitBucket {
    pub key: RateLimitKey,
    pub limit: RateLimit,
    /// Whether a correct password resets the counter. Not for an address: an attacker could log in to their own account
    /// between guesses. Not for an account over all addresses either: its owner's logins would give an attacker more guesses.
    pub cleared_by_success: bool,
    /// Whether an address from which the account's owner has logged in is allowed although the limit is reached.
    pub spares_known_addresses: bool,
}

/// What an attempt needs to be limited: the secret that makes its buckets, and the queue of this process's attempts. Decisions are
/// made by [`AttemptCounter::decide`]; `AuthService::reserve_attempt` in the crate `flows` puts all of it together.
#[derive(Clone)]
pub struct RateLimiter {
    secret: hmac::Key,
    pub queue: Arc<dyn AttemptQueue>,
    new_accounts: NewAccountLimits,
}

impl RateLimiter {
    /// The longest time that an attempt waits for others: as long as a client may be expected to wait.
    pub const MAX_WAIT: Duration = Duration::from_secs(10);

    /// All instances must be given the same secret. The queue is this process's own.
    #[must_use]
    pub fn new(secret: &SecretSlice<u8>, queue: Arc<dyn AttemptQueue>) -> Self {
        Self { secret: derive_key(secret, "parley throttle v1"), queue, new_accounts: NewAccountLimits::default() }
    }

    /// The same with other limits of sign-ups and registrations.
    #[must_use]
    pub fn with_new_account_limits(self, new_accounts: NewAccountLimits) -> Self {
        Self { new_accounts, ..self }
    }

    /// The buckets of a login: those of [`Self::account_buckets`], and the account's over all addresses.
    #[must_use]
    pub fn login_buckets(&self, tenant: &str, email: &Email, address: Option<IpAddr>) -> Vec<RateLimitBucket> {
        let mut buckets = self.account_buckets(tenant, email, address);
        buckets.push(RateLimitBucket {
            key: self.key(&["account at all addresses", tenant, email.normalized()]),
            limit: RateLimit::ACCOUNT_AT_ALL_ADDRESSES,
            cleared_by_success: false,
            spares_known_addresses: true,
        });
        buckets
    }

    /// The buckets of a sign-up, of those that have a limit.
    #[must_use]
    pub fn signup_buckets(&self, address: Option<IpAddr>) -> Vec<RateLimitBucket> {
        let NewAccountLimits { signups_per_address, signups, .. } = self.new_accounts;
        self.new_account_buckets("sign-up", address, signups_per_address, signups)
    }

    /// The buckets of a registration, of those that have a limit.
    #[must_use]
    pub fn registration_buckets(&self, address: Option<IpAddr>) -> Vec<RateLimitBucket> {
        let NewAccountLimits { registrations_per_address, registrations, .. } = self.new_accounts;
        self.new_account_buckets("registration", address, registrations_per_address, registrations)
    }

    fn new_account_buckets(
        &self,
        action: &str,
        address: Option<IpAddr>,
        per_address: usize,
        in_all: usize,
    ) -> Vec<RateLimitBucket> {
        let address = network(address);
        let keys = [(self.key(&[action, "address", &address]), per_address), (self.key(&[action, "all"]), in_all)];
        let bucket = |(key, attempts)| {
            let limit = NewAccountLimits::limit(attempts)?;
            Some(RateLimitBucket { key, limit, cleared_by_success: false, spares_known_addresses: false })
        };
        keys.into_iter().filter_map(bucket).collect()
    }

    /// The buckets of an attempt with a password. `tenant` is the tenant's id, or the text of the request if there is no such
    /// tenant: unknown tenants are limited in the same way, so that the limit does not tell which tenants exist.
    #[must_use]
    pub fn account_buckets(&self, tenant: &str, email: &Email, address: Option<IpAddr>) -> Vec<RateLimitBucket> {
        let address = network(address);
        let pair = self.key(&["account", tenant, email.normalized(), &address]);
        let mut buckets = self.of_network(&address);
        buckets.push(RateLimitBucket {
            key: pair,
            limit: RateLimit::ACCOUNT,
            cleared_by_success: true,
            spares_known_addresses: false,
        });
        buckets
    }

    /// The buckets of an attempt without an account, such as a registration.
    #[must_use]
    pub fn address_buckets(&self, address: Option<IpAddr>) -> Vec<RateLimitBucket> {
        self.of_network(&network(address))
    }

    fn of_network(&self, address: &str) -> Vec<RateLimitBucket> {
        vec![RateLimitBucket {
            key: self.key(&["address", address]),
            limit: RateLimit::ADDRESS,
            cleared_by_success: false,
            spares_known_addresses: false,
        }]
    }

    /// No part contains a zero byte, so different lists of parts give different bytes.
    fn key(&self, parts: &[&str]) -> RateLimitKey {
        let tag = hmac::sign(&self.secret, parts.join("\0").as_bytes());
        let mut key = [0; 32];
        key.copy_from_slice(tag.as_ref());
        RateLimitKey(key)
    }
}

/// The network that counts as one client: an IPv6 address counts as its /64, the least that a provider assigns to one customer
/// (RFC 6177).
#[must_use]
pub fn network(address: Option<IpAddr>) -> String {
    match address.map(|address| address.to_canonical()) {
        None => "unknown".to_owned(),
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => format!("{:x}/64", address.to_bits() >> 64),
    }
}

impl RateLimitKey {
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    #[must_use]
    pub const fn from_stored(key: [u8; 32]) -> Self {
        Self(key)
    }
}

impl fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiter").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;

    #[derive(Debug)]
    struct NoQueue;

    #[async_trait]
    impl AttemptQueue for NoQueue {
        async fn acquire(&self, _: &[RateLimitBucket]) -> Result<QueuePermit, QueueTimeout> {
            Ok(QueuePermit::new(()))
        }
    }

    fn rate_limiter(byte: u8) -> RateLimiter {
        RateLimiter::new(&vec![byte; 32].into(), Arc::new(NoQueue))
    }

    fn keys(tenant: &str, email: &str, address: &str) -> Vec<RateLimitKey> {
        let email = Email::parse(email).unwrap();
        let buckets = rate_limiter(1).account_buckets(tenant, &email, Some(address.parse().unwrap()));
        buckets.iter().map(|bucket| bucket.key).collect()
    }

    #[test]
    fn account_bucket_is_one_account_at_one_address() {
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
    fn ipv6_addresses_of_one_network_share_a_bucket() {
        let of = |address| keys("acme", "ada@x.example", address);
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
    }

    #[test]
    fn login_counts_in_a_bucket_of_its_account_everywhere() {
        let email = Email::parse("ada@x.example").unwrap();
        let at = |address: &str| rate_limiter(1).login_buckets("acme", &email, Some(address.parse().unwrap()));
        let (here, there) = (at("192.0.2.1"), at("192.0.2.2"));
        assert_eq!(here.len(), 3);
        assert_eq!(here[2].key, there[2].key);
        assert_eq!(here.iter().map(|bucket| bucket.spares_known_addresses).collect::<Vec<_>>(), [false, false, true]);
        let other = rate_limiter(1).login_buckets("other", &email, None);
        assert_ne!(here[2].key, other[2].key);
    }

    #[test]
    fn new_accounts_without_a_limit_have_no_bucket() {
        let limits = NewAccountLimits { signups: 0, registrations_per_address: 0, ..NewAccountLimits::default() };
        let limiter = rate_limiter(1).with_new_account_limits(limits);
        let (signup, registration) = (limiter.signup_buckets(None), limiter.registration_buckets(None));
        assert_eq!(signup.iter().map(|bucket| bucket.limit.max_failures).collect::<Vec<_>>(), [10]);
        assert_eq!(registration.iter().map(|bucket| bucket.limit.max_failures).collect::<Vec<_>>(), [1_000]);
    }

    #[test]
    fn keys_of_other_secret_differ() {
        assert_ne!(rate_limiter(1).address_buckets(None)[0].key, rate_limiter(2).address_buckets(None)[0].key);
    }
}
