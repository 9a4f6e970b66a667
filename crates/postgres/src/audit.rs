//! The audit logs.

mod record;
