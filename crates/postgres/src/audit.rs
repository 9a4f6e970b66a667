//! The audit logs.

mod chain;
mod platform_record;
mod record;
mod row;

pub(crate) use row::bind_record;
