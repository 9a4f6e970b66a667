//! Tenants, their users, passwords, and the rate limit of attempts to log in.
//!
//! Invariants this crate holds:
//! - an [`Email`] is compared by its normalized form, shown as it was written, and unique per tenant;
//! - a [`Password`] has between 8 and 256 characters, is never truncated, printed or stored, and is hashed by a
//!   [`PasswordHasher`];
//! - a failed login does the same work whatever the reason: see [`PasswordHasher::verify_dummy`];
//! - guesses are counted before they are made, by account and address: see [`RateLimiter`] and [`AttemptCounter`].
//!
//! To add to it: a type with a validating constructor in a file of its own, its port in `ports.rs`, the SQL in
//! `crates/postgres/src/iam/`. Use cases that also need roles or sessions (sign-up, login, users) are in `flows`.

#![deny(clippy::future_not_send)]

mod change_tenant;
mod common_passwords;
mod email;
mod password;
mod password_hash;
mod password_hasher;
mod ports;
mod rate_limit;
mod tenant;
mod user;

pub use change_tenant::{TenantPatch, change_tenant, tenant};
pub use email::{Email, InvalidEmail};
pub use password::{InvalidPassword, Password};
pub use password_hash::{HashParameters, PasswordHash};
pub use password_hasher::{HashError, PasswordHasher, PasswordVerification};
pub use ports::{RateLimitFastPath, RateLimitRepo, TenantDirectory, TenantRepo, UserRepo, constraint};
pub use rate_limit::{
    AttemptCounter, AttemptQueue, QueuePermit, QueueTimeout, RateLimit, RateLimitBucket, RateLimitDecision,
    RateLimitKey, RateLimiter,
};
pub use tenant::{
    InvalidSlug, InvalidTenantName, SelfRegistration, Slug, Tenant, TenantName, TenantReference, TenantStatus,
};
pub use user::{InvalidUserName, User, UserName, UserStatus};
