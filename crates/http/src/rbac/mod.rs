//! Permissions, roles, and their assignment to users.

pub(crate) mod authority;
mod bodies;
pub(crate) mod memberships;
pub(crate) mod permissions;
pub(crate) mod role_permissions;
pub(crate) mod roles;
