//! Identity: tenants, their users, and passwords.
//!
//! Invariants this crate holds:
//! - an [`Email`] is compared by its normalized form and shown as it was written; unique per tenant;
//! - a [`Password`] has between 8 and 256 characters, is never truncated, printed or stored, and is hashed off the async
//!   threads by [`PasswordHasher`], which refuses work rather than queue without bound;
//! - a failed login does the same work whatever failed: see [`PasswordHasher::verify_nothing`].
//!
//! To add to it: a type with a validating constructor in a file of its own, its port in `ports.rs`, the adapter's half in
//! `crates/postgres/src/iam/`. Use cases that also touch roles or sessions (sign-up, login) live in `flows`.

#![deny(clippy::future_not_send)]

mod email;
mod password;
mod password_hasher;
mod ports;
mod tenant;
mod user;

pub use email::{Email, InvalidEmail};
pub use password::{InvalidPassword, Password};
pub use password_hasher::{HashError, PasswordHash, PasswordHasher};
pub use ports::{TenantDirectory, TenantRepo, UserRepo, constraint};
pub use tenant::{
    InvalidSlug, InvalidTenantName, SelfRegistration, Slug, Tenant, TenantName, TenantReference, TenantStatus,
};
pub use user::{InvalidUserName, User, UserName, UserStatus};
