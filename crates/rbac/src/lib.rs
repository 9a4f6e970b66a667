//! Roles and who has which.
//!
//! Permissions are the closed set of `kernel::Permission`; a role is a named set of them within one tenant, a membership
//! gives a role to a user. Rights are read from the database on each request, never from a token, so taking one away works
//! on the next request.
//!
//! What somebody may do to others follows from what both hold: see [`Authority`].
//!
//! To add to it: a use case a file, its port in `ports.rs`, the adapter's half in `crates/postgres/src/rbac/`.

#![deny(clippy::future_not_send)]

mod authority;
mod ports;
mod role;

pub use authority::{Authority, CannotGrant, OutranksYou};
pub use ports::{MembershipRepo, RoleRepo};
pub use role::{Role, RoleKey, SystemRole};
