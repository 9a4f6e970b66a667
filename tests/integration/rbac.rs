//! Roles, who has which, and what nobody gets by them.

mod escalation;
mod memberships;
mod races;
mod roles;
mod system_roles;
