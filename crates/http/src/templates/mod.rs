//! `/templates`: the message templates of the tenant's business accounts.

mod access;
mod bodies;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod edit;
pub(crate) mod preview;
mod problems;
mod query;
pub(crate) mod read;
pub(crate) mod sync;
