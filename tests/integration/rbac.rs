//! Roles, memberships, and privilege escalation.

mod escalation;
mod memberships;
mod races;
mod roles;
mod system_roles;
