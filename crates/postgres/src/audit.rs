//! The audit logs.

mod chain;
mod chain_sql;
mod directory;
mod platform_record;
mod purge;
mod record;
mod row;

pub(crate) use row::{bind_record, sign};
