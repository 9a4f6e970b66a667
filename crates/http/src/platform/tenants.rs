//! `/tenants`: tenants, for operators.

mod bodies;
pub(crate) mod change;
pub(crate) mod create;
mod query;
pub(crate) mod read;
