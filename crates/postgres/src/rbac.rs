//! Roles and memberships.

mod membership;
mod role;
