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
mod membership;
mod ports;
mod read_roles;
mod role;
mod system_role;

pub use authority::{Authority, CannotGrant, OutranksYou};
pub use membership::Membership;
pub use ports::{MembershipRepo, RoleRepo, constraint};
pub use read_roles::{role, roles};
pub use role::{InvalidRoleKey, InvalidRoleName, Role, RoleKey, RoleName};
pub use system_role::SystemRole;
