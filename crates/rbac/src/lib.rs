//! Roles and memberships.
//!
//! Permissions are the closed set of `kernel::Permission`; a role is a named set of them within one tenant, a membership
//! gives a role to a user. Permissions are read from the database on each request, never from a token, so revoking one takes
//! effect on the next request.
//!
//! What a user may do to other users depends on the permissions of both: see [`Authority`].
//!
//! To add to it: one use case per file, its port in `ports.rs`, the SQL in `crates/postgres/src/rbac/`.

#![deny(clippy::future_not_send)]

mod authority;
mod membership;
mod ports;
mod read_roles;
mod role;
mod system_role;

pub use authority::{Authority, PermissionNotHeld, TargetHoldsMore};
pub use membership::Membership;
pub use ports::{MembershipRepo, RoleRepo, constraint};
pub use read_roles::{role, roles};
pub use role::{InvalidRoleKey, InvalidRoleName, Role, RoleKey, RoleName};
pub use system_role::SystemRole;
