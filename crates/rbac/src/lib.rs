#![doc = include_str!("../README.md")]
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
