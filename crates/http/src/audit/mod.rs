//! `/audit-log`: the tenant's audit log.

pub(crate) mod bodies;
pub(crate) mod export;
pub(crate) mod log;
pub(crate) mod verify;
