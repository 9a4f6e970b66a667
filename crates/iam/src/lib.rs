//! Identity: tenants, their users, and passwords.
//!
//! Invariants this crate holds:
//! - an [`Email`] is compared by its normalized form and shown as it was written; unique per tenant;
//! - a [`Password`] has between 8 and 256 characters, is never truncated, printed or stored, and is hashed off the async
//!   threads by [`PasswordHasher`], which refuses work rather than queue without bound;
//! - a failed login does the same work whatever failed: see [`PasswordHasher::verify_nothing`];
//! - guesses are counted before they are made, by account and address: see [`Throttle`] and [`Tally`].
//!
//! To add to it: a type with a validating constructor in a file of its own, its port in `ports.rs`, the adapter's half in
//! `crates/postgres/src/iam/`. Use cases that also touch roles or sessions (sign-up, login, users) live in `flows`.

#![deny(clippy::future_not_send)]

mod change_tenant;
mod common_passwords;
mod email;
mod metrics;
mod password;
mod password_hash;
mod password_hasher;
mod ports;
mod tenant;
mod throttle;
mod user;

pub use change_tenant::{TenantPatch, change_tenant, tenant};
pub use email::{Email, InvalidEmail};
pub use metrics::describe as describe_metrics;
pub use password::{InvalidPassword, Password};
pub use password_hash::{HashParameters, PasswordHash};
pub use password_hasher::{HashError, PasswordHasher, Verification};
pub use ports::{CalmTries, TenantDirectory, TenantRepo, ThrottleRepo, UserRepo, constraint};
pub use tenant::{
    InvalidSlug, InvalidTenantName, SelfRegistration, Slug, Tenant, TenantName, TenantReference, TenantStatus,
};
pub use throttle::{Counted, Doors, Limit, NoPassage, Passage, Tally, Throttle, ThrottleKey, Verdict};
pub use user::{InvalidUserName, User, UserName, UserStatus};
