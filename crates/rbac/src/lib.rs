//! Roles, permissions and memberships
